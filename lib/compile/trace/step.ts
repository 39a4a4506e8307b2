/** @file Traces a step: what it returns must be the next state, in the form of the one it was given, and metrics. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from '../errors';
import { describe, type Graph } from '../graph';
import type { WideTensor } from '../host';
import { sameShape } from '../kernels/rule';
import { isTensor, isWideTensor, type Step, type StepResult, type TensorTree } from '../state';
import { leavesOf, mapTree, type Tree } from '../tree';
import { isPromise } from './promise';
import { traceBackend } from './register';
import { type InputSpec, trace } from './trace';

/** A traced step: the graph's first outputs are the new values of all its inputs, those after them are the metrics. */
export interface TracedStep {
  readonly graph: Graph;
  readonly metricNames: readonly string[];
}

/**
 * @param example Its leaves are traced with the forms given, by position; their values are not looked at.
 * @throws CompileError where the step uses an operation that cannot be compiled, reads a traced value, or returns
 * another form of state.
 */
export function traceStep(
  step: Step,
  example: Tree<WideTensor>,
  forms: readonly InputSpec[] = leavesOf(example, isWideTensor).map(([, leaf]) => leaf),
): TracedStep {
  const paths = leavesOf(example, isWideTensor).map(([path]) => path);
  let metricNames: readonly string[] = [];
  const graph = trace((inputs) => {
    let index = 0;
    const state = mapTree(example, isWideTensor, () => inputs[index++] as tf.Tensor);
    const result = checkedResult(step(state));
    const metrics = leavesOf(result.metrics, isTensor);
    metricNames = metrics.map(([name]) => name);
    return [...nextLeaves(paths, forms, result.state, tracedOrigin), ...metrics.map(([, tensor]) => tensor)];
  }, forms);
  return { graph, metricNames };
}

/** What a step returned, which the compiler cannot check where the step is plain JavaScript or asynchronous. */
export function checkedResult(result: Partial<StepResult> | undefined): StepResult {
  if (isPromise(result)) {
    throw new CompileError(
      'the step returns a promise, expected { state, metrics }; it must not be asynchronous',
    );
  }
  if (typeof result !== 'object' || result === null || (result as unknown) instanceof tf.Tensor) {
    const found = (result as unknown) instanceof tf.Tensor ? 'a tensor' : shown(result);
    throw new CompileError(`the step returns ${found}, expected { state, metrics }`);
  }
  const { state, metrics } = result;
  if (state === undefined || metrics === undefined) {
    const missing =
      state === undefined ? (metrics === undefined ? 'state and no metrics' : 'state') : 'metrics';
    const others = Object.keys(result);
    const given = others.length === 0 ? '' : `; it returns '${others.join("', '")}'`;
    throw new CompileError(`the step returns no ${missing}, expected { state, metrics }${given}`);
  }
  refuseTwice(state, 'state');
  refuseTwice(metrics, 'metrics');
  return { state, metrics };
}

/** Of two tensors with one path, such as that of `{ a: { b } }` and `{ 'a.b': b }`, one would be lost. */
function refuseTwice(tree: TensorTree, what: string): void {
  const paths = leavesOf(tree, isTensor).map(([path]) => path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice === undefined) return;
  throw new CompileError(
    `the step returns two tensors of the ${what} that are both called '${twice}'; rename one of them`,
  );
}

/** Where a tensor comes from: words for a message, and the user's line. */
interface TensorOrigin {
  readonly text: string;
  readonly source?: string | undefined;
}

/**
 * The tensors of the next state in the order of the first, checked to have the same form.
 * @param originOf What to say of a tensor of another form; nothing by default.
 */
export function nextLeaves(
  paths: readonly string[],
  forms: readonly InputSpec[],
  next: TensorTree,
  originOf: (tensor: tf.Tensor) => TensorOrigin = () => ({ text: '' }),
): tf.Tensor[] {
  const returned = new Map(leavesOf(next, isTensor));
  const known = new Set(paths);
  const extra = [...returned.keys()].filter((path) => !known.has(path));
  const ordered = paths.map((path, index) => {
    const { dtype, shape } = forms[index] as InputSpec;
    const tensor = returned.get(path);
    if (tensor === undefined || tensor.dtype !== dtype || !sameShape(tensor.shape, shape)) {
      const found = tensor === undefined ? 'nothing' : describe(tensor);
      const { text, source } = tensor === undefined ? { text: '' } : originOf(tensor);
      throw new CompileError(
        `the step returns '${path}' as ${found}${text}, expected ${describe({ dtype, shape })} as in the state it was given${tensor === undefined && extra.length > 0 ? `; it returns '${extra.join("', '")}' instead` : ''}`,
        { source },
      );
    }
    return tensor;
  });
  if (extra.length > 0) {
    throw new CompileError(
      `the step returns '${extra.join("', '")}', which the state it was given does not have`,
    );
  }
  return ordered;
}

/** `, the result of 'Sum' on (float32[3])`, and the line of that call. */
function tracedOrigin(tensor: tf.Tensor): TensorOrigin {
  const backend = traceBackend();
  const node = backend.active().producer(backend.value(tensor));
  if (node === undefined) return { text: '' };
  return {
    text: `, the result of '${node.op}' on (${node.inputs.map(describe).join(', ')})`,
    source: node.source,
  };
}
