/** @file The two forms of a whole ONNX model: a function called once, and a step repeated by the `Loop` operator. */
import type { Graph } from '../graph';
import { leavesOfState, type ProgramForm } from '../program-form';
import { DEFAULT_TARGET, type Target } from '../target';
import { Emitter } from './emitter';
import { lowerNodes, Names } from './lower';
import { metadataOf } from './metadata';
import { encodeModel, type OnnxGraph, type ValueInfo } from './proto';

/** Name of the input that says how many steps to run. */
export const STEPS_INPUT = 'steps';

/** Names of a function's inputs and outputs. */
export const inputName = (index: number) => `in${index}`;
export const outputName = (index: number) => `out${index}`;

/** Names of a program's inputs and outputs; no name inside of a model has a dot. */
export interface ProgramNames {
  /** `state.params.w` */
  readonly start: readonly string[];
  /** `next.params.w` */
  readonly next: readonly string[];
  /** `metrics.loss` */
  readonly metrics: readonly string[];
}

export function programNames(form: ProgramForm): ProgramNames {
  const paths = leavesOfState(form).map(([path]) => path);
  return {
    start: paths.map((path) => `state.${path}`),
    next: paths.map((path) => `next.${path}`),
    metrics: form.metrics.map((name) => `metrics.${name}`),
  };
}

/** A model that computes the graph's outputs `out0 …` from its inputs `in0 …`. */
export function functionModel(graph: Graph, target: Target = DEFAULT_TARGET): Uint8Array {
  const emit = Emitter.root(target);
  const names = new Names();
  const inputs = bindInputs(emit, graph, names);
  lowerNodes(emit, names, graph);
  const outputs = graph.outputs.map((value, index): ValueInfo => {
    emit.nodes.push({
      opType: 'Identity',
      inputs: [names.get(emit, value)],
      outputs: [outputName(index)],
      attributes: {},
    });
    return { name: outputName(index), type: emit.typeOf(value.dtype), shape: value.shape };
  });
  return encodeModel({
    name: 'function',
    nodes: emit.nodes,
    initializers: emit.initializers,
    inputs,
    outputs,
  });
}

/**
 * A model that repeats the graph. The graph's first outputs are the new values of all its inputs, carried from step to
 * step; the outputs after them are metrics, returned for every step with a leading axis `steps`. The file describes itself:
 * see `metadata.ts`.
 */
export function loopModel(graph: Graph, target: Target, form: ProgramForm): Uint8Array {
  const { start, next, metrics } = programNames(form);
  const results = [...next, ...metrics];
  const main = Emitter.root(target);
  const emit = main.nested();
  const names = new Names();
  const bodyInputs = bindInputs(emit, graph, names);
  lowerNodes(emit, names, graph);
  const bodyOutputs = graph.outputs.map((value): ValueInfo => {
    const name = emit.node('Identity', [names.get(emit, value)]);
    return { name, type: emit.typeOf(value.dtype), shape: value.shape };
  });
  const [iteration, keepGoing] = [emit.fresh('iteration'), emit.fresh('condition')];
  const stillGoing = emit.node('Identity', [keepGoing]);
  const body: OnnxGraph = {
    name: 'step',
    nodes: emit.nodes,
    initializers: [],
    inputs: [
      { name: iteration, type: 'int64', shape: [] },
      { name: keepGoing, type: 'bool', shape: [] },
      ...bodyInputs,
    ],
    outputs: [{ name: stillGoing, type: 'bool', shape: [] }, ...bodyOutputs],
  };
  // Inside a loop's body its inputs hide names of the main graph, so these need names of their own.
  const inputs = bodyInputs.map(
    (input, index): ValueInfo => ({
      ...input,
      name: start[index] as string,
    }),
  );
  const outputs = graph.outputs.map(
    (value, index): ValueInfo => ({
      name: results[index] as string,
      type: emit.typeOf(value.dtype),
      shape: index < next.length ? value.shape : [STEPS_INPUT, ...value.shape],
    }),
  );
  const always = main.constant('bool', [], Uint8Array.of(1));
  main.nodes.push({
    opType: 'Loop',
    inputs: [STEPS_INPUT, always, ...inputs.map(({ name }) => name)],
    outputs: outputs.map(({ name }) => name),
    attributes: { body },
  });
  const whole: OnnxGraph = {
    name: 'program',
    nodes: main.nodes,
    initializers: main.initializers,
    inputs: [{ name: STEPS_INPUT, type: 'int64', shape: [] }, ...inputs],
    outputs,
  };
  return encodeModel(whole, metadataOf(form, target));
}

function bindInputs(emit: Emitter, graph: Graph, names: Names): ValueInfo[] {
  return graph.inputs.map((value, index) => {
    names.set(value, inputName(index));
    return { name: inputName(index), type: emit.typeOf(value.dtype), shape: value.shape };
  });
}
