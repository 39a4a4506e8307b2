/**
 * @file The one body behind every kernel's test: a function of tensors must give the same values and the same gradients
 * eagerly, on tfjs's CPU backend, and compiled.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
import {
  CompileError,
  type CompileOptions,
  compileFunction,
  type DType,
  type HostTensor,
  PASSES,
  type Pass,
  toHost,
  type WideTensor,
  withBackend,
} from '../../../lib/compile';
import { allNodes } from '../../../lib/compile/graph';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { trace } from '../../../lib/compile/trace/trace';
import { messageOf } from '../../support/one-line';

/** A function of tensors with inputs to call it on. */
export interface Case {
  /** What the case is about, for the message of a failure. */
  readonly name: string;
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[];
  readonly inputs: readonly HostTensor[];
  /** What to compare with where tfjs's CPU backend computes `f` wrong: the same in other operations. */
  readonly eager?: Case['f'];
  /** Whether to compare gradients too, by all inputs of type float32; true by default. */
  readonly gradient?: boolean;
  /** Largest max|x − ref|/max|ref|, 1e-5 by default. */
  readonly tolerance?: number;
  /** Whether max|ref| counts as at least 1, for what is exact to an absolute error only. */
  readonly absolute?: boolean;
}

const TOLERANCE = 1e-5;

/** Weights of the elements in the sum whose gradient is taken: multiples of 1/16, all different from 0. */
export function weights(shape: readonly number[]): tf.Tensor {
  const size = shape.reduce((product, d) => product * d, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => (((i * 7) % 29) + 1) / 16),
    [...shape],
  );
}

const results = ({ f }: Case, inputs: tf.Tensor[]) => {
  const result = f(...inputs);
  return result instanceof tf.Tensor ? [result] : [...result];
};

/** The function's results, then the gradients of a weighted sum of them by each float32 input. */
export function evaluate(tested: Case, inputs: tf.Tensor[]): tf.Tensor[] {
  const values = results(tested, inputs);
  const variable = inputs.filter(({ dtype }) => dtype === 'float32');
  if (tested.gradient === false || variable.length === 0) return values;
  const gradient = tf.grads((...given: tf.Tensor[]) => {
    const rest = [...given];
    const outputs = results(
      tested,
      inputs.map((input) => (input.dtype === 'float32' ? (rest.shift() as tf.Tensor) : input)),
    );
    const sums = outputs
      .filter(({ dtype }) => dtype === 'float32')
      .map((output) => tf.sum(tf.mul(output, weights(output.shape))) as tf.Tensor);
    return sums.reduce((total, sum) => tf.add(total, sum));
  });
  return [...values, ...gradient(variable)];
}

/** Splits a batch's inputs by case and evaluates each. */
function evaluateAll(cases: readonly Case[], inputs: tf.Tensor[]): tf.Tensor[][] {
  let next = 0;
  return cases.map((tested) => {
    const own = inputs.slice(next, next + tested.inputs.length);
    next += own.length;
    return evaluate(tested, own);
  });
}

/** Where the numbers are not finite, as text; the rest is compared by the tolerance. */
const specials = (data: ArrayLike<number>) =>
  Array.from(data, (x, i) => (Number.isFinite(x) ? '' : `${i}: ${x}`)).filter((text) => text !== '');
const finite = (data: ArrayLike<number>) => Array.from(data, (x) => (Number.isFinite(x) ? x : 0));

function compare(tested: Case, actual: readonly WideTensor[], expected: readonly HostTensor[]): void {
  const { name, tolerance = TOLERANCE, absolute = false } = tested;
  const scale = absolute ? [1] : [];
  expect(actual.length, name).toBe(expected.length);
  expected.forEach((reference, i) => {
    const { dtype, shape, data } = actual[i] as WideTensor;
    const what = `${name}, result ${i}`;
    expect([dtype, ...shape], what).toEqual([reference.dtype, ...reference.shape]);
    expect(specials(data), what).toEqual(specials(reference.data));
    expect([...finite(data), ...scale], what).toMatchReference(
      [...finite(reference.data), ...scale],
      tolerance,
    );
  });
}

/**
 * Runs each case eagerly and compiled, without passes and with all of them, and compares. Cases of one call share one
 * compiled function, which is what makes hundreds of them affordable.
 * @param kernel A kernel that each batch must use, in the traced graph or after the passes.
 * @param options How to compile, instead of on one thread in float32.
 */
export async function agree(
  cases: readonly Case[],
  kernel?: string,
  options: CompileOptions = {},
): Promise<void> {
  const inputs = cases.flatMap((tested) => tested.inputs);
  const expected = withBackend('cpu', () => {
    let eager: HostTensor[][] = [];
    tf.tidy(() => {
      const tensors = inputs.map(({ data, shape, dtype }) => tf.tensor(data, [...shape], dtype));
      const references = cases.map(({ eager: f, ...tested }) =>
        f === undefined ? tested : { ...tested, f },
      );
      eager = evaluateAll(references, tensors).map((values) => values.map(toHost));
    });
    return eager;
  });
  const operations = new Set<string>();
  for (const passes of [[], PASSES] satisfies (readonly Pass[])[]) {
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (given) => evaluateAll(cases, given).flat(),
      inputs,
      { passes, threads: 1, ...options },
    );
    for (const { op } of allNodes(compiled.graph)) operations.add(op);
    const outputs = await compiled.run(inputs);
    await compiled.release();
    let next = 0;
    cases.forEach((tested, i) => {
      const reference = expected[i] as HostTensor[];
      compare(tested, outputs.slice(next, next + reference.length), reference);
      next += reference.length;
    });
  }
  if (kernel !== undefined) expect([...operations]).toContain(kernel);
}

/** The seed is fixed, so that a run fails for what changed in the code and not for the draw. */
const SEED = 1;

interface Agreement extends CompileOptions {
  /** How many functions to compile; 2 by default. */
  readonly batches?: number;
}

/** Checks drawn cases, up to 16 to a compiled function. */
export async function agreeOn(
  kernel: string | undefined,
  drawn: fc.Arbitrary<Case>,
  { batches = 2, ...options }: Agreement = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 16, size: 'max' }), (cases) =>
      agree(cases, kernel, options),
    ),
    { seed: SEED, numRuns: batches },
  );
}

/** The message with which a function of tensors of these forms is refused. */
export function refusalOf(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  ...forms: readonly { readonly dtype: DType; readonly shape: readonly number[] }[]
): string {
  return messageOf(CompileError, () => trace((inputs) => [f(...inputs)], forms));
}
