/**
 * @file Einstein summation as transposes and at most one matrix product. ONNX has an operator for it, but none on
 * WebGPU, and passes could not see the product in it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { sizeOf } from '../../host';
import { type Compositions, type Inputs, input } from './composition';

/** A tensor with a letter for each axis. */
interface Labelled {
  readonly tensor: tf.Tensor;
  readonly axes: string;
}

const letters = (text: string, keep: (letter: string) => boolean) => [...text].filter(keep).join('');

/** Sums over the axes that neither the other operand nor the result has. */
function summed({ tensor, axes }: Labelled, needed: string): Labelled {
  const lonely = [...axes].flatMap((letter, axis) => (needed.includes(letter) ? [] : [axis]));
  if (lonely.length === 0) return { tensor, axes };
  return { tensor: tf.sum(tensor, lonely), axes: letters(axes, (letter) => needed.includes(letter)) };
}

/** Puts the axes in another order. */
function ordered({ tensor, axes }: Labelled, order: string): tf.Tensor {
  if (axes === order) return tensor;
  return tf.transpose(
    tensor,
    [...order].map((letter) => axes.indexOf(letter)),
  );
}

/** Sizes of some of the axes of a tensor. */
const sizes = ({ tensor, axes }: Labelled, of: string) =>
  [...of].map((letter) => tensor.shape[axes.indexOf(letter)] as number);

/** Axes of a product's operands by the part that they play in it. */
interface Roles {
  /** In both operands and in the result. */
  readonly batch: string;
  /** In both operands, summed. */
  readonly inner: string;
  /** In one operand and in the result. */
  readonly outerA: string;
  readonly outerB: string;
}

/**
 * An operand as stacked matrices: [batch, outer, inner], or with the last two turned where its axes lie so already.
 */
function asMatrices(x: Labelled, { batch, inner }: Roles, outer: string): { x: tf.Tensor; turned: boolean } {
  const turned = x.axes === batch + inner + outer && x.axes !== batch + outer + inner;
  const stack = batch === '' ? [] : [sizeOf(sizes(x, batch))];
  const [rows, columns] = [sizeOf(sizes(x, outer)), sizeOf(sizes(x, inner))];
  const arranged = ordered(x, turned ? batch + inner + outer : batch + outer + inner);
  return { x: tf.reshape(arranged, [...stack, ...(turned ? [columns, rows] : [rows, columns])]), turned };
}

/** Product of two tensors without a sum between them, or with nothing but the sum. */
function elementwiseProduct(a: Labelled, b: Labelled, { batch, inner, outerA, outerB }: Roles): tf.Tensor {
  const ones = (of: string) => Array<number>(of.length).fill(1);
  const left = tf.reshape(ordered(a, batch + outerA + inner), [
    ...sizes(a, batch + outerA),
    ...ones(outerB),
    ...sizes(a, inner),
  ]);
  const right = tf.reshape(ordered(b, batch + outerB + inner), [
    ...sizes(b, batch),
    ...ones(outerA),
    ...sizes(b, outerB + inner),
  ]);
  const product = tf.mul(left, right);
  if (inner === '') return product;
  return tf.sum(
    product,
    [...inner].map((_, i) => batch.length + outerA.length + outerB.length + i),
  );
}

function product(a: Labelled, b: Labelled, roles: Roles): tf.Tensor {
  const { batch, inner, outerA, outerB } = roles;
  if (inner === '' || outerA + outerB === '') return elementwiseProduct(a, b, roles);
  const left = asMatrices(a, roles, outerA);
  const right = asMatrices(b, roles, outerB);
  return tf.reshape(tf.matMul(left.x, right.x, left.turned, !right.turned), [
    ...sizes(a, batch + outerA),
    ...sizes(b, outerB),
  ]);
}

function einsum(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const operands = Object.keys(inputs).length;
  // Checks the equation: one or two terms without ellipses, each letter at most once in each.
  const equation = (attrs.equation as string).replace(/\s/g, '');
  tf.backend_util.decodeEinsumEquation(equation, operands);
  const [terms, result] = equation.split('->') as [string, string];
  const [axesA, axesB] = terms.split(',') as [string, string | undefined];
  if (axesB === undefined)
    return ordered(summed({ tensor: input(inputs, '0'), axes: axesA }, result), result);

  const a = summed({ tensor: input(inputs, '0'), axes: axesA }, axesB + result);
  const b = summed({ tensor: input(inputs, '1'), axes: axesB }, axesA + result);
  const first = letters(result, (letter) => !(a.axes.includes(letter) && b.axes.includes(letter)))[0] ?? '';
  const [left, right] = b.axes.includes(first) && !a.axes.includes(first) ? [b, a] : [a, b];
  const roles: Roles = {
    batch: letters(result, (letter) => left.axes.includes(letter) && right.axes.includes(letter)),
    inner: letters(left.axes, (letter) => !result.includes(letter)),
    outerA: letters(result, (letter) => !right.axes.includes(letter)),
    outerB: letters(result, (letter) => !left.axes.includes(letter)),
  };
  const { batch, outerA, outerB } = roles;
  return ordered({ tensor: product(left, right, roles), axes: batch + outerA + outerB }, result);
}

export const einsums: Compositions = { Einsum: einsum };
