/**
 * @file From a step written in tfjs to a native program: trace, passes, ONNX, runtime.
 *
 * A step is a pure function of its state (parameters, optimiser state, step counter) that returns the next state and
 * metrics. The program repeats it natively; JavaScript is out of the inner loop.
 */
import {
  checkMetrics,
  checkNotReleased,
  checkOnDevice,
  checkOptions,
  checkSteps,
  stateForm,
  stepsOf,
} from './arguments';
import { batchingOf } from './batch';
import { cacheKey } from './cache';
import { checkRuntime, checkStep } from './compile-arguments';
import { findNonFinite, type NonFinite } from './diagnose/non-finite';
import { CompileError } from './errors';
import { checkForm, inPrecision } from './form';
import { allNodes, type Graph } from './graph';
import { readDescription, withKey, withoutKey } from './onnx/metadata';
import { checkProgramOptions, type ProgramOptions, targetOf } from './options';
import { optimize, PASSES } from './passes';
import { formOf, isSpec, leavesOfState, type ProgramForm } from './program-form';
import { type Repetition, repetitionMethod } from './repeat';
import { loop } from './repeat/loop';
import type { Runtime, RuntimeOptions } from './runtime';
import {
  type DeviceState,
  type HostOf,
  type HostTensorOf,
  hostTreeOf,
  isWideTensor,
  type RunResult,
  type StateTree,
  type Step,
} from './state';
import type { Precision, Target } from './target';
import { traceStep } from './trace/step';
import { leavesOf, mapTree } from './tree';

/** The two forms of a step's graph. */
interface Graphs {
  readonly traced: Graph;
  /** After the passes, which run when it is first asked for: a model from a cache does without. */
  readonly optimized: () => Graph;
}

/** What a program is made of. */
interface Parts {
  readonly runtime: Runtime;
  readonly target: Target;
  readonly form: ProgramForm;
  readonly model: Uint8Array;
  readonly repetition: Repetition;
  readonly options: RuntimeOptions;
  /** Absent where the program was loaded. */
  readonly graphs?: Graphs;
}

export interface LoadOptions<P extends Precision = Precision> extends RuntimeOptions {
  /** The precision that the program was compiled with; `'float32'` by default. */
  readonly precision?: P;
}

/**
 * A compiled step.
 * @typeParam S The form of its state, as the example it was compiled with.
 * @typeParam P In what it computes floating-point numbers.
 */
export class Program<S extends StateTree = StateTree, P extends Precision = 'float32'> {
  private readonly form: readonly string[];
  private released = false;

  private constructor(private readonly parts: Parts) {
    this.form = stateForm(leavesOfState(parts.form));
  }

  /**
   * Traces `step` once on the shapes of `example` and compiles it with everything it computes, gradient and optimiser
   * included.
   * @param example A state: names, shapes and types are taken from it, values are not. With the option `batch` a stacked
   * one.
   * @throws CompileError where the step uses an operation that cannot be compiled, reads a traced value, or returns
   * another form of state; where the example does not have the instances of `batch`.
   */
  static async compile<S extends StateTree, P extends Precision = 'float32'>(
    runtime: Runtime,
    step: Step<S>,
    example: S,
    options: ProgramOptions<P> = {},
  ): Promise<Program<S, P>> {
    checkRuntime(runtime);
    checkStep(step);
    checkProgramOptions(options);
    const target = targetOf(runtime, options);
    const host = hostTreeOf(example);
    const state = formOf(host, isWideTensor);
    const batching = batchingOf(leavesOf(state, isSpec), options);
    const { graph: traced, metricNames: metrics } = traceStep(step as Step, host, batching.forms);
    const form = { state, metrics };
    const graphs = graphsOf(batching.apply(traced), target, options);
    const opened = await openModel(runtime, target, form, graphs, options);
    return new Program<S, P>({ runtime, target, form, options, graphs, ...opened });
  }

  /**
   * Opens a program that `save` made. It runs like the one that was saved, but has no graph to look at. Steps are repeated
   * by ONNX's `Loop` on every device, so on WebGPU a program that is compiled there is faster.
   * @throws CompileError in one line where the bytes are no such file, or were compiled for another device or in another
   * precision than asked for.
   */
  static async load<S extends StateTree = StateTree, P extends Precision = 'float32'>(
    runtime: Runtime,
    bytes: Uint8Array,
    options: LoadOptions<P> = {},
  ): Promise<Program<S, P>> {
    checkOptions('load', options, ['precision', 'threads', 'spinning']);
    const { precision, device, ...form } = readDescription(bytes);
    const target = targetOf(runtime, options);
    if (target.precision !== precision) {
      throw new CompileError(
        `the saved program computes in ${precision}, expected ${target.precision}; load it with precision: '${precision}'`,
      );
    }
    if (target.device !== device) {
      throw new CompileError(
        `the saved program was compiled for the device '${device}', the runtime's is '${target.device}'; open it there, or compile the step for '${target.device}'`,
      );
    }
    const model = new Uint8Array(bytes);
    const repetition = await loop.open(runtime, model, form, options);
    return new Program<S, P>({ runtime, target, form, options, model, repetition });
  }

  /**
   * The program as one ONNX file, which `Program.load` opens again on the same device, here or on another machine, and any
   * runtime of ONNX on any: its inputs are `steps` and, by their paths, the leaves of the state (`state.params.w`), its outputs those of the
   * next state (`next.params.w`) and each metric of every step (`metrics.loss`, shape `[steps, …]`). Values of a state are
   * not in it.
   */
  save(): Uint8Array {
    const { graphs, target, form, model } = this.parts;
    return graphs === undefined || repetitionMethod(this.parts.runtime) === loop
      ? new Uint8Array(model)
      : loop.model(graphs.optimized(), target, form);
  }

  /** The optimised graph, for inspection. @throws CompileError where the program was loaded from a file. */
  get graph(): Graph {
    return this.graphs.optimized();
  }

  /** The ONNX file that runs. */
  get model(): Uint8Array {
    return this.parts.model;
  }

  /** Copies a state to the device. It must have the names, shapes and types of the example. */
  put(state: StateTree): DeviceState {
    const { form, runtime, target } = this.parts;
    const given = new Map(leavesOf(hostTreeOf(state), isWideTensor));
    const tensors = leavesOfState(form).map(([path, expected]) => {
      const tensor = given.get(path);
      const name = `'${path}' of the state`;
      checkForm(name, tensor, expected);
      given.delete(path);
      return runtime.put(inPrecision(name, tensor, target.precision));
    });
    if (given.size > 0) {
      throw new CompileError(
        `the state has '${[...given.keys()].join("', '")}', which the compiled step does not`,
      );
    }
    return { tensors, form: this.form };
  }

  /**
   * Reads a state back into host memory, in the form of the example.
   * @typeParam T What the caller knows that form to be, where the compiler of TypeScript does not.
   */
  async get<T = HostOf<S, P>>(state: DeviceState): Promise<T> {
    const { form, runtime } = this.parts;
    this.checkState(state, 'get');
    const tensors = await Promise.all(state.tensors.map((tensor) => runtime.get(tensor)));
    let index = 0;
    return mapTree(form.state, isSpec, () => tensors[index++]) as T;
  }

  /**
   * Runs `steps` steps. On the CPU the event loop stands still meanwhile, so cut long runs into calls of a fraction of a
   * second; the cut does not change the results.
   * @param options `steps`: a positive integer.
   */
  async run(state: DeviceState, options: { readonly steps: number }): Promise<RunResult<P>> {
    const steps = stepsOf(options);
    checkNotReleased(this.released, 'program');
    this.checkState(state, 'run');
    const result = await this.parts.repetition.run(state.tensors, steps);
    const metrics = Object.fromEntries(
      this.parts.form.metrics.map((name, index) => [name, result.metrics[index] as HostTensorOf<P>]),
    );
    return { state: { tensors: result.state, form: this.form }, metrics };
  }

  /**
   * Gives back a state's memory on the device now, rather than some time after nothing refers to the state. The state
   * cannot be used afterwards; freeing it again does nothing. On the CPU, where the garbage collector sees that memory,
   * nothing happens.
   */
  free(state: DeviceState): void {
    this.checkState(state, 'free');
    for (const tensor of state.tensors) this.parts.runtime.free(tensor);
  }

  /**
   * Runs `steps` steps with every intermediate number checked, and tells which operation was the first to make NaN or
   * infinity of finite numbers on the way to the next state or the metrics. It computes the step as it was traced,
   * before any pass.
   * @param options `steps`: a positive integer; 1 by default. `metrics`: those that should be finite; by default all, except where one is a constant of the step, as in a
   * branch that says NaN for what is not evaluated: a NaN so written is meant, unless the metric is named.
   * @returns `undefined` where the state and those metrics stay finite.
   */
  async findNonFinite(
    state: DeviceState,
    options: { readonly steps?: number; readonly metrics?: readonly string[] } = {},
  ): Promise<NonFinite | undefined> {
    const { steps = 1, metrics } = options;
    const { runtime, target, form } = this.parts;
    checkSteps(steps);
    this.checkState(state, 'findNonFinite');
    if (metrics !== undefined) checkMetrics(metrics, form.metrics);
    return findNonFinite(runtime, this.graphs.traced, target, state.tensors, {
      ...this.parts.options,
      steps,
      ...(metrics && { metrics: metrics.map((name) => state.tensors.length + form.metrics.indexOf(name)) }),
      paths: leavesOfState(form).map(([path]) => path),
    });
  }

  /** Kernels in the compiled graph, nested ones included. */
  get nodeCount(): number {
    return allNodes(this.graph).length;
  }

  /** Frees the native memory; the program cannot run afterwards. Releasing it again does nothing. */
  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    await this.parts.repetition.release();
  }

  private checkState(state: DeviceState, method: string): void {
    checkOnDevice(state, method, this.form);
  }

  private get graphs(): Graphs {
    const { graphs } = this.parts;
    if (graphs === undefined)
      throw new CompileError('a program loaded from a file has no graph; compile the step to look at it');
    return graphs;
  }
}

function graphsOf(traced: Graph, target: Target, { passes = PASSES }: ProgramOptions): Graphs {
  let optimized: Graph | undefined;
  return {
    traced,
    optimized: () => {
      optimized ??= optimize(traced, passes, target);
      return optimized;
    },
  };
}

/**
 * Makes the model of a step, or takes it from the cache, and opens it. What the cache holds must carry the very key that
 * was asked for.
 */
async function openModel(
  runtime: Runtime,
  target: Target,
  form: ProgramForm,
  { traced, optimized }: Graphs,
  { cache, passes = PASSES, ...options }: ProgramOptions,
): Promise<Pick<Parts, 'model' | 'repetition'>> {
  const method = repetitionMethod(runtime);
  const open = async (model: Uint8Array) => ({
    model,
    repetition: await method.open(runtime, model, form, options),
  });
  const make = () => open(method.model(optimized(), target, form));
  if (cache === undefined) return make();
  const key = await cacheKey({
    graph: traced,
    target,
    passes,
    form,
    method: method.name,
    runtime: runtime.version,
  });
  if (key === undefined) return make();
  const kept = await cache.get(key);
  const model = kept && withoutKey(kept, key);
  if (model !== undefined) {
    try {
      return await open(model);
    } catch (error) {
      // Either the model is damaged, or what is made anew is the same and the trouble lies elsewhere.
      if (sameBytes(model, method.model(optimized(), target, form))) throw error;
    }
  }
  const made = await make();
  try {
    await cache.set(key, withKey(made.model, key));
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
    console.warn(`the compiled step was not kept in the cache: ${reason}`);
  }
  return made;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
