/** @file Activation functions and what clips to a range. */
import type { Attributes } from '../graph';
import type { Emitter, Name } from '../onnx/emitter';
import { expm1 } from './compensated';
import { binaryNames, FLOAT, isDouble, NUMBERS, unary } from './pointwise';
import { at, broadcastShape, checkShapes, type KernelRule, type KernelRules, sameShape } from './rule';
import { writer } from './write';

/** tfjs's constants of selu, from the paper (Klambauer et al. 2017, equation 14). */
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/**
 * 1/(1 + exp(−x)), which keeps its relative precision down to the smallest normal number: ONNX's own operator is 0 below
 * −18, and a logarithm of it −∞. It costs about as much again: a millisecond for a million elements.
 */
function sigmoid(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  return w.call('Reciprocal', w.add(w.call('Exp', w.call('Neg', x)), 1));
}

/**
 * max(x, 0) + log1p(exp(−|x|)). The exponential is at most 1, so this log1p needs no end; ONNX Runtime's own operator is
 * no faster than all of this, and float32 only.
 */
function softplus(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const e = w.call('Exp', w.call('Neg', w.call('Abs', x)));
  const u = w.add(e, 1);
  const d = w.sub(u, 1);
  const log1p = w.where(w.equal(d, 0), e, w.mul(w.call('Log', u), w.div(e, d)));
  return w.add(w.max(x, 0), log1p);
}

/** `positive`·x where x > 0, else `negative`·(exp(x) − 1). */
function exponentialUnit(emit: Emitter, x: Name, positive: number, negative: number): Name {
  const w = writer(emit);
  const scaled = (by: number, y: Name) => (by === 1 ? y : w.mul(y, by));
  const below = expm1(emit, w.min(x, 0));
  return w.where(w.less(x, 0), scaled(negative, below), scaled(positive, x));
}

/**
 * 1 where x > 0, else `alpha`. For alpha = 0, as tfjs's gradient of relu calls it, HardSigmoid with the largest slope is
 * a step in one operator that spreads over threads; only subnormal x come out between 0 and 1.
 */
function step(emit: Emitter, x: Name, attrs: Attributes): Name {
  const alpha = (attrs.alpha as number | undefined) ?? 0;
  if (alpha === 0 && !isDouble(emit))
    return emit.node('HardSigmoid', [x], { alpha: { float: 3.4028234e38 }, beta: { float: 0 } });
  const w = writer(emit);
  return w.where(w.greater(x, 0), 1, alpha);
}

function leakyRelu(emit: Emitter, x: Name, { alpha }: Attributes): Name {
  const slope = alpha as number;
  if (!isDouble(emit)) return emit.node('LeakyRelu', [x], { alpha: { float: slope } });
  const w = writer(emit);
  return w.where(w.less(x, 0), w.mul(x, slope), x);
}

const prelu: KernelRule = {
  inputs: ['x', 'alpha'],
  types: FLOAT,
  infer: ([x, alpha]) => ({ dtype: x.dtype, shape: broadcastShape(x.shape, alpha.shape) }),
  lower: (emit, inputs) => {
    const w = writer(emit);
    const [x, alpha] = binaryNames(emit, inputs);
    return w.where(w.less(x, 0), w.mul(x, alpha), x);
  },
};

/** dy where y ≥ 0, else dy·(y + 1): elu's gradient by its result. */
const eluGradient: KernelRule = {
  inputs: ['dy', 'y'],
  types: FLOAT,
  infer: ([dy, y]) => {
    checkShapes(sameShape(dy.shape, y.shape), 'the gradient and the result differ in shape');
    return { dtype: y.dtype, shape: y.shape };
  },
  lower: (emit, inputs) => {
    const w = writer(emit);
    const [dy, y] = binaryNames(emit, inputs);
    return w.mul(dy, w.add(w.min(y, 0), 1));
  },
};

/** Limits x to a range of numbers known while tracing. NaN stays, which ONNX's Clip does not promise. */
const clip: KernelRule = {
  inputs: ['x'],
  types: NUMBERS,
  infer: ([x]) => ({ dtype: x.dtype, shape: x.shape }),
  lower: (emit, inputs, { attrs }) => {
    const { name, dtype } = at(inputs, 0);
    const bound = (value: unknown) => emit.scalar(dtype, value as number);
    return emit.node('Clip', [name, bound(attrs.clipValueMin), bound(attrs.clipValueMax)]);
  },
};

export const activations: KernelRules = {
  Relu: unary('Relu', { types: NUMBERS }),
  Step: unary(step),
  Sigmoid: unary(sigmoid),
  Softplus: unary(softplus),
  Elu: unary((emit, x) => exponentialUnit(emit, x, 1, 1)),
  EluGrad: eluGradient,
  Selu: unary((emit, x) => exponentialUnit(emit, x, SELU_SCALE, SELU_SCALE * SELU_ALPHA)),
  LeakyRelu: unary(leakyRelu),
  Prelu: prelu,
  ClipByValue: clip,
  Relu6: {
    ...clip,
    lower: (emit, inputs, node) =>
      clip.lower(emit, inputs, { ...node, attrs: { clipValueMin: 0, clipValueMax: 6 } }),
  },
};
