/** @file Parameters as nested records of tensors, and functions over several such records at once. */
import * as tf from '@tensorflow/tfjs-core';
import { type HostTree, isHostTensor, isTensor, leavesOf, mapTree, type TensorTree } from '../compile';
import { registerGradients } from '../compile/gradients';

/** Parameters of a model: a tensor, or a record of parameters. Paths joined with dots are the names in a checkpoint. */
export type Params = TensorTree;

/** Tensors with their names, such as `blocks.0.q`, in a fixed order. */
export function namedTensors(params: Params): [name: string, tensor: tf.Tensor][] {
  return leavesOf(params, isTensor);
}

/**
 * The tensors of a tree in host memory, such as `model.init(seed)` or a checkpoint's parameters, as tfjs tensors: what
 * `model.forward` takes. A backend may share the tree's memory (`cpu` does), so leave that as it is while they are in use.
 *
 * @returns a tree of the same form, each tensor with the shape and element type it had
 * @throws CompileError for a node that is neither a host tensor nor a record of them
 */
export function toTensors(tree: HostTree): Params {
  return mapTree(tree, isHostTensor, ({ data, shape, dtype }) => tf.tensor(data, [...shape], dtype));
}

/**
 * Applies `f` to the tensors at the same place of several trees of the same form.
 * @param f Receives the tensor of each tree and the path.
 */
export function mapParams<P extends Params>(
  first: P,
  others: readonly Params[],
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
): P {
  const rest = others.map((tree) => new Map(namedTensors(tree)));
  return mapTree(first, isTensor, (tensor, path) =>
    f(tensor, ...rest.map((tensors) => tensors.get(path) as tf.Tensor)),
  ) as P;
}

/**
 * Value of a scalar function of parameters and its gradient with respect to each of them, by tfjs's gradient tape.
 * @param f Returns a scalar that depends on every parameter.
 * @returns `grads` has the form of `params`.
 */
export function valueAndGrads<P extends Params>(
  f: (params: P) => tf.Tensor,
  params: P,
): { value: tf.Scalar; grads: P } {
  const tensors = namedTensors(params).map(([, tensor]) => tensor);
  const treeOf = (values: readonly tf.Tensor[]) => {
    let index = 0;
    return mapTree(params, isTensor, () => values[index++] as tf.Tensor) as P;
  };
  registerGradients();
  const { value, grads } = tf.valueAndGrads((...inputs: tf.Tensor[]) => f(treeOf(inputs)) as tf.Scalar)(
    tensors,
  );
  return { value: value as tf.Scalar, grads: treeOf(grads) };
}
