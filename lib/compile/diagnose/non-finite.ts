/**
 * @file Finds the operation that makes the first NaN or infinity: the step as it was traced, before any pass, is compiled
 * again with every float value counted, and run step by step.
 */
import { openGraph } from '../function';
import { constantData, describe, type Graph, type Node, type Value } from '../graph';
import { at } from '../kernels/rule';
import type { DeviceTensor, Runtime, RuntimeOptions } from '../runtime';
import type { Target } from '../target';
import { countedGraph } from './counted';
import { type Bad, badOfConstant, isConstantResult, type Origin, originOf } from './origin';

/** The first operation of a run whose result is not finite though its inputs are. */
export interface NonFinite {
  /** The step it happened in, counted from the state given: 0 is the first. */
  readonly step: number;
  /** NaN where any element is, else infinity. */
  readonly kind: 'NaN' | 'Infinity';
  /** tfjs's kernel name; absent where the state given, or a constant of the step, was not finite already. */
  readonly operation?: string;
  /** Forms of its inputs, such as `float32[3, 4]`. */
  readonly inputs: readonly string[];
  /** Form of its result, of the part of the state, or of the constant. */
  readonly output: string;
  /** The user's line that calls the operation or uses the constant, `file:line:column`, where it is known. */
  readonly source?: string;
  /** All of this as one line. */
  readonly message: string;
}

export interface SearchOptions extends RuntimeOptions {
  /** How many steps to look at. */
  readonly steps: number;
  /**
   * Positions, among the graph's outputs, of metrics that should be finite; the state always should. Absent: all, but where
   * one is itself a constant, as in a branch that says NaN for a metric not evaluated, that is meant.
   */
  readonly metrics?: readonly number[];
  /** Names of the graph's inputs, for messages. */
  readonly paths: readonly string[];
}

const NOTHING: Bad = { nan: 0, infinite: 0 };

export async function findNonFinite(
  runtime: Runtime,
  graph: Graph,
  target: Target,
  start: readonly DeviceTensor[],
  { steps, metrics, paths, ...options }: SearchOptions,
): Promise<NonFinite | undefined> {
  const { graph: whole, counts } = countedGraph(graph);
  const constants = new Map<Value, Bad>();
  const opened = await openGraph(runtime, whole, target, options);
  try {
    let state = start;
    for (let step = 0; step < steps; step++) {
      const outputs = await opened.run(state);
      const results = await Promise.all(
        outputs.slice(graph.outputs.length).map((tensor) => runtime.get(tensor)),
      );
      const totals = results.map(({ data }) => data[0] as number);
      const found = new Map<Value, Bad>();
      [...counts.keys()].forEach((value, i) => {
        found.set(value, { nan: totals[2 * i] as number, infinite: totals[2 * i + 1] as number });
      });
      const badOf = (value: Value): Bad => {
        if (value.dtype !== 'float32') return NOTHING;
        const bad = found.get(value) ?? constants.get(value) ?? badOfConstant(value);
        if (value.constant !== undefined) constants.set(value, bad);
        return bad;
      };
      const branchOf = ({ inputs }: Node) => {
        const condition = at(inputs, 0);
        return (found.get(condition)?.nan ?? constantData(condition)[0]) === 0 ? 1 : 0;
      };
      // The state first: a metric may be meant to be infinite, or NaN where it was not evaluated.
      const next = graph.outputs.slice(0, graph.inputs.length);
      const reported =
        metrics?.map((index) => graph.outputs[index] as Value) ??
        graph.outputs.slice(graph.inputs.length).filter((value) => !isConstantResult(graph, value, branchOf));
      for (const wanted of [graph.inputs, next, reported]) {
        const origin = originOf(graph, wanted, badOf, branchOf);
        if (origin !== undefined) return describeOrigin(graph, origin, badOf, { step, paths });
      }
      state = outputs.slice(0, graph.inputs.length);
    }
    return undefined;
  } finally {
    await opened.release();
  }
}

function describeOrigin(
  graph: Graph,
  origin: Origin,
  badOf: (value: Value) => Bad,
  { step, paths }: { readonly step: number; readonly paths: readonly string[] },
): NonFinite {
  const value =
    'node' in origin
      ? origin.output
      : 'constant' in origin
        ? origin.constant
        : (graph.inputs[origin.input] as Value);
  const { nan, infinite } = badOf(value);
  const kind = nan > 0 ? 'NaN' : 'Infinity';
  const output = describe(value);
  const number = nan > 0 ? nan : infinite;
  const elements = `${number} ${number === 1 ? 'element' : 'elements'}`;
  if ('input' in origin) {
    const message = `'${paths[origin.input]}' of the state (${output}) already has ${kind} in ${elements}`;
    return { step, kind, inputs: [], output, message };
  }
  if ('constant' in origin) {
    const { op, source } = origin.user ?? {};
    const user = op === undefined ? 'returned as it is' : `used by '${op}'`;
    const place = source === undefined ? '' : ` at ${source}`;
    const message = `a constant the step closes over, ${output}, ${user}${place}, has ${kind} in ${elements}`;
    return { step, kind, inputs: [], output, ...(source === undefined ? {} : { source }), message };
  }
  const { op, inputs: given, source } = origin.node;
  const inputs = given.map(describe);
  const called = source === undefined ? '' : `; called at ${source}`;
  const message = `the operation '${op}' on (${inputs.join(', ')}) makes ${kind} in ${elements} of its result ${output}${called}`;
  return { step, kind, operation: op, inputs, output, ...(source === undefined ? {} : { source }), message };
}
