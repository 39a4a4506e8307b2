/** @file Squared gradients of single examples by definition: one gradient an example, or one an example and use. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import type { TrueGradForm } from '../../lib/models/true-grad';

type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** Adds what each example gives under a name, and divides by their number. */
function meanOver(examples: number, of: (example: number) => NamedTensors): Map<string, tf.Tensor> {
  const sums = tf.tidy(() => {
    let sums: NamedTensors = {};
    for (let example = 0; example < examples; example++) {
      const added = Object.entries(of(example)).map(([name, x]) => [name, tf.add(sums[name] ?? 0, x)]);
      sums = { ...sums, ...Object.fromEntries(added) };
    }
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, tf.div(sum, examples)]));
  });
  return new Map(Object.entries(sums as NamedTensors));
}

/**
 * (1/B)·Σ gᵢ², one gradient an example, of every parameter by name.
 *
 * @param loss An example's own.
 */
export function meanOfSquares<P extends Params>(
  loss: (example: number, params: P) => tf.Tensor,
  params: P,
  examples: number,
): Map<string, tf.Tensor> {
  return meanOver(examples, (example) => {
    const { grads } = valueAndGrads((p) => loss(example, p), params);
    return Object.fromEntries(namedTensors(grads).map(([name, gradient]) => [name, tf.square(gradient)]));
  });
}

/** Gives a parameter by name, and is asked anew at every use of it. */
export type At = (name: string) => tf.Tensor;

/** What of a parameter the package truegrad has the squared weight of, and what it has sums of where others have means. */
const EMBEDDINGS = ['embed.weight', 'embedding.weight'];
const NO_PRODUCTS = ['embed.pe', 'mask'];

/**
 * The squares in every form, of each parameter that is used. Every use has a copy of the parameter, so that it has a gradient of
 * its own: `exact` adds an example's gradients before it squares them, `token` squares each.
 *
 * @param loss An example's own. It asks for a parameter once at each place where it uses it, and only where the use has influence.
 */
export function squaresByUse(
  loss: (example: number, at: At) => tf.Tensor,
  params: Params,
  examples: number,
): Record<TrueGradForm, Map<string, tf.Tensor>> {
  const tensors = new Map(namedTensors(params));
  const parameter = (name: string) => tensors.get(name) as tf.Tensor;
  const gradientsOf = (example: number): Map<string, tf.Tensor[]> => {
    const used: string[] = [];
    loss(example, (name) => {
      used.push(name);
      return parameter(name);
    });
    const copies = Object.fromEntries(used.map((name, i) => [`use${i}`, tf.clone(parameter(name))]));
    const { grads } = valueAndGrads((given) => {
      let next = 0;
      return loss(example, () => given[`use${next++}`] as tf.Tensor);
    }, copies);
    const byUse = used.map((name, i) => [name, grads[`use${i}`] as tf.Tensor] as const);
    return new Map(
      used.map((name) => [name, byUse.filter(([other]) => other === name).map(([, gradient]) => gradient)]),
    );
  };
  const gradients = Array.from({ length: examples }, (_, example) => [...gradientsOf(example)]);
  const squares = (combined: (gradients: tf.Tensor[]) => tf.Tensor) =>
    meanOver(examples, (example) =>
      Object.fromEntries((gradients[example] ?? []).map(([name, each]) => [name, combined(each)])),
    );
  const exact = squares((gradients) => tf.square(tf.addN(gradients)));
  const token = squares((gradients) => tf.addN(gradients.map((gradient) => tf.square(gradient))));
  const released = [...token].map(([name, mean]): [string, tf.Tensor] => {
    if (EMBEDDINGS.includes(name)) return [name, tf.square(parameter(name))];
    const isMatrix = mean.rank === 2 && !NO_PRODUCTS.includes(name);
    return [name, isMatrix ? tf.div(mean, examples) : mean];
  });
  return { exact, token, released: new Map(released) };
}

type Numbers = ArrayLike<number>;

/** How far a root may be off, as a share of its size, and the share of the largest below which all sizes count the same. */
const ROOTS = { tolerance: 1e-6, floor: 1e-3 } as const;

/**
 * Expects the roots of squares in float64 to be those of a reference, element by element: each to a millionth of its own size, or
 * of a thousandth of the largest where it is smaller than that. Differences of places leave squares right to about 1e-16 of the
 * largest, and so the least roots to 1e-8 of it.
 */
export function expectRoots(squares: Numbers, reference: Numbers, name: string): void {
  expect(squares.length, name).toBe(reference.length);
  const expected = Float64Array.from(reference, Math.sqrt);
  const least = ROOTS.floor * expected.reduce((a, b) => Math.max(a, b), 0);
  const wrong = expected.filter((root, i) => {
    const difference = Math.abs(Math.sqrt(squares[i] as number) - root);
    return !(difference <= ROOTS.tolerance * Math.max(root, least));
  });
  expect([...wrong], `√S of ${name}`).toEqual([]);
}

/** Expects the mean of squares to be no less than the square of the mean, g², but for rounding. */
export function expectAtLeastSquare(squares: Numbers, gradient: Numbers, name: string): void {
  const below = Array.from(gradient).filter((g, i) => !((squares[i] as number) >= g * g * (1 - 1e-3)));
  expect(below, `S below g² of ${name}`).toEqual([]);
}
