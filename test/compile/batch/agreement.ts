/**
 * @file The one body behind every batching rule's test: n instances at once must give what n single calls give, whichever
 * inputs differ between the instances and whichever are shared.
 */
import type * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type DType, type HostTensor, PASSES, type Pass } from '../../../lib/compile';
import { batched } from '../../../lib/compile/batch';
import { allNodes, type Graph } from '../../../lib/compile/graph';
import { functionModel, inputName, outputName } from '../../../lib/compile/onnx/programs';
import { optimize } from '../../../lib/compile/passes';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { trace } from '../../../lib/compile/trace/trace';
import { filled } from '../kernels/arbitraries';

/** What values an input may have. */
export interface InputForm {
  readonly shape: readonly number[];
  /** float32 by default. */
  readonly dtype?: DType;
  readonly low?: number;
  readonly high?: number;
}

/** A function of tensors, with the forms of its inputs for one instance. */
export interface BatchCase {
  /** What the case is about, for the message of a failure. */
  readonly name: string;
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[];
  readonly inputs: readonly InputForm[];
}

/** A case with one choice of the inputs that differ, and values for each instance. */
interface Sample extends BatchCase {
  readonly isBatched: readonly boolean[];
  /** By input, then by instance. */
  readonly values: readonly (readonly HostTensor[])[];
}

/** Every choice of the inputs that differ between instances, but none. */
function choices(count: number): boolean[][] {
  return Array.from({ length: 2 ** count - 1 }, (_, choice) =>
    Array.from({ length: count }, (_, i) => ((choice + 1) >> i) % 2 === 1),
  );
}

function samples(cases: readonly BatchCase[], n: number): Sample[] {
  let seed = 1;
  return cases.flatMap((tested) =>
    choices(tested.inputs.length).map((isBatched) => ({
      ...tested,
      name: `${tested.name}, differing: ${isBatched}`,
      isBatched,
      values: tested.inputs.map(({ shape, dtype = 'float32', ...range }, i) => {
        const instances = Array.from({ length: n }, () => filled(shape, dtype, range, seed++));
        return isBatched[i] ? instances : instances.map(() => instances[0] as HostTensor);
      }),
    })),
  );
}

export function stackedTensor(instances: readonly HostTensor[]): HostTensor {
  const { dtype, shape, data } = instances[0] as HostTensor;
  const all = new (data.constructor as new (length: number) => HostTensor['data'])(
    instances.length * data.length,
  );
  for (const [i, instance] of instances.entries()) all.set(instance.data, i * data.length);
  return { dtype, shape: [instances.length, ...shape], data: all };
}

/** Compiles a graph and runs it on several lists of inputs. */
export async function runGraph(
  graph: Graph,
  calls: readonly (readonly HostTensor[])[],
): Promise<HostTensor[][]> {
  const session = await onnxRuntimeNode.open(functionModel(graph), { threads: 1 });
  const results: HostTensor[][] = [];
  for (const inputs of calls) {
    const entries = inputs.map((tensor, i) => [inputName(i), onnxRuntimeNode.put(tensor)] as const);
    const outputs = await session.run(Object.fromEntries(entries));
    const read = graph.outputs.map((_, i) => onnxRuntimeNode.get(outputs[outputName(i)]));
    results.push((await Promise.all(read)) as HostTensor[]);
  }
  await session.release();
  return results;
}

const listed = (result: tf.Tensor | readonly tf.Tensor[]): readonly tf.Tensor[] =>
  Array.isArray(result) ? result : [result as tf.Tensor];

/** Where the numbers are not finite, as text; the rest is compared by the tolerance. */
const specials = (data: ArrayLike<number>) =>
  Array.from(data, (x, i) => (Number.isFinite(x) ? '' : `${i}: ${x}`)).filter((text) => text !== '');
const finite = (data: ArrayLike<number>) => Array.from(data, (x) => (Number.isFinite(x) ? x : 0));

export interface BatchAgreement {
  /** Instances, 3 by default. */
  readonly n?: number;
  /** Largest max|x − ref|/max|ref|; 0, for the same bits, by default. */
  readonly tolerance?: number;
  /** A kernel that the traced graph must have. */
  readonly kernel?: string;
  /** Whether the size of the batched graph may depend on the number of instances. */
  readonly isUnrolled?: boolean;
}

/**
 * Runs each case for n instances at once, without passes and with all of them, and n times alone, with every choice of
 * inputs that differ, and compares. All share two compiled functions, which is what makes hundreds of them affordable.
 */
export async function agreeBatched(
  cases: readonly BatchCase[],
  { n = 3, tolerance = 0, kernel, isUnrolled = false }: BatchAgreement = {},
): Promise<void> {
  const tested = samples(cases, n);
  const forms = tested.flatMap(({ inputs }) =>
    inputs.map(({ shape, dtype = 'float32' }) => ({ dtype, shape })),
  );
  const counts: number[] = [];
  const traced = trace((given) => {
    let next = 0;
    return tested.flatMap(({ inputs, f }) => {
      const results = listed(f(...given.slice(next, next + inputs.length)));
      next += inputs.length;
      counts.push(results.length);
      return results;
    });
  }, forms);
  if (kernel !== undefined) expect(allNodes(traced).map(({ op }) => op)).toContain(kernel);

  const flags = tested.flatMap(({ isBatched }) => isBatched);
  const values = tested.flatMap((sample) => sample.values);
  const isBatched = (i: number) => flags[i] === true;
  const all = batched(traced, n, { isBatched });
  if (!isUnrolled) {
    const size = (instances: number) => allNodes(batched(traced, instances, { isBatched })).length;
    expect(size(4)).toBe(size(3));
  }
  const singles = await runGraph(
    optimize(traced, []),
    Array.from({ length: n }, (_, instance) => values.map((instances) => instances[instance] as HostTensor)),
  );
  const inputs = values.map((instances, i) =>
    isBatched(i) ? stackedTensor(instances) : (instances[0] as HostTensor),
  );
  for (const passes of [[], PASSES] satisfies (readonly Pass[])[]) {
    const [outputs] = (await runGraph(optimize(all, passes), [inputs])) as [HostTensor[]];
    let output = 0;
    for (const [i, { name }] of tested.entries()) {
      for (let result = 0; result < (counts[i] as number); result++, output++) {
        const expected = stackedTensor(singles.map((single) => single[output] as HostTensor));
        const { dtype, shape, data } = outputs[output] as HostTensor;
        const what = `${name}, result ${result}, ${passes.length === 0 ? 'without' : 'with'} passes`;
        expect([dtype, ...shape], what).toEqual([expected.dtype, ...expected.shape]);
        if (tolerance === 0) expect(data, what).toEqual(expected.data);
        else {
          expect(specials(data), what).toEqual(specials(expected.data));
          expect(finite(data), what).toMatchReference(finite(expected.data), tolerance);
        }
      }
    }
  }
}

/** The seed is fixed, so that a run fails for what changed in the code and not for the draw. */
const PROPERTY = { seed: 1, numRuns: 2 };

/** Checks drawn cases, several to a compiled function, and one instance as well as three. */
export async function agreeBatchedOn(
  drawn: fc.Arbitrary<BatchCase>,
  options: BatchAgreement = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(drawn, { minLength: 1, maxLength: 8, size: 'max' }),
      fc.constantFrom(3, 1),
      (cases, n) => agreeBatched(cases, { n, ...options }),
    ),
    PROPERTY,
  );
}
