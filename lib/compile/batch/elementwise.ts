/** @file Kernels that work element by element: the batch is one more axis in front, for all inputs alike. */
import { at } from '../kernels/rule';
import type { BatchRule, BatchRules } from './rule';

/** Ranks are aligned by axes of size one after the batch axis; operands that are shared broadcast as they are. */
const broadcasting: BatchRule = ({ node, inputs, build }) => {
  const rank = at(node.outputs, 0).shape.length;
  return build.like(
    node,
    inputs.map((input) => build.aligned(input, rank)),
  );
};

/** `condition ? t : e`. Its condition and `t` alone give the kernel's result a shape, so one of them has the batch axis. */
export const select: BatchRule = (call) => {
  const [condition, t, e] = [at(call.inputs, 0), at(call.inputs, 1), at(call.inputs, 2)];
  if (condition.batched || t.batched) return broadcasting(call);
  return broadcasting({
    ...call,
    inputs: [condition, { ...t, value: call.build.expanded(t), batched: true }, e],
  });
};

const BINARY =
  'Add Sub Multiply RealDiv FloorDiv Mod Pow Maximum Minimum SquaredDifference Atan2 Prelu Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr BitwiseAnd EluGrad';

const UNARY =
  'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ClipByValue Cos Cosh Elu Erf Exp Expm1 Floor IsFinite IsInf IsNan LeakyRelu Log Log1p LogicalNot Neg Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square Step Tan Tanh';

export const elementwise: BatchRules = {
  ...Object.fromEntries(`${BINARY} ${UNARY}`.split(' ').map((kernel) => [kernel, broadcasting])),
  /** Its inputs have one shape, so that a shared one is repeated. */
  AddN: ({ node, inputs, build }) =>
    build.like(
      node,
      inputs.map((input) => build.expanded(input)),
    ),
  Select: select,
};
