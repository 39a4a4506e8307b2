/**
 * @file A step run by one of tfjs's own backends, operation by operation, behind the interface of a compiled program. It
 * takes steps that cannot be compiled, and serves as a second opinion on those that can.
 */
import * as tf from '@tensorflow/tfjs-core';
import { checkMetrics, checkNotReleased, checkOnDevice, checkSteps, stateForm, stepsOf } from './arguments';
import { checkOptionValues, checkStep } from './compile-arguments';
import type { EagerDevice, OpenedDevice, StepProgram } from './devices';
import type { NonFinite } from './diagnose/non-finite';
import { CompileError, shown } from './errors';
import { checkForm, inPrecision } from './form';
import { registerGradients } from './gradients';
import { describe } from './graph';
import type { HostTensor, WideTensor } from './host';
import { checkProgramOptions, type ProgramOptions } from './options';
import { stackSteps } from './repeat/stepwise';
import {
  type DeviceState,
  type HostOf,
  hostTreeOf,
  isTensor,
  isWideTensor,
  type RunResult,
  type StateTree,
  type Step,
  toHost,
} from './state';
import type { Precision } from './target';
import { checkedResult, nextLeaves } from './trace/step';
import { withBackend } from './trace/with-backend';
import { leavesOf, mapTree, type Tree } from './tree';

/** A tfjs backend that has been started. */
export interface EagerBackend {
  readonly device: EagerDevice;
  /** Its name in tfjs's registry. */
  readonly backend: string;
  readonly version: string;
}

/** One step's results in host memory. */
interface StepOutputs {
  readonly state: readonly HostTensor[];
  readonly metrics: Readonly<Record<string, HostTensor>>;
}

/** A tfjs backend as a device. */
export function eagerDevice({ device, backend, version }: EagerBackend): OpenedDevice {
  return {
    name: device,
    version,
    async compile<S extends StateTree, P extends Precision = 'float32'>(
      step: Step<S>,
      example: S,
      options: ProgramOptions<P> = {},
    ) {
      checkProgramOptions(options);
      checkStep(step);
      refuse(device, options);
      return new EagerProgram<S>(
        device,
        backend,
        step as Step,
        hostTreeOf(example),
      ) as unknown as StepProgram<S, P>;
    },
  };
}

function refuse(device: EagerDevice, options: ProgramOptions): void {
  checkOptionValues(options);
  const { precision, batch } = options;
  if (precision === 'float64') {
    throw new CompileError(`precision 'float64' runs compiled on the CPU only; the device is '${device}'`);
  }
  if (batch !== undefined) {
    throw new CompileError(
      `batch is ${shown(batch)}, which needs a compiled device; the device is '${device}'`,
    );
  }
}

/**
 * A step that runs eagerly. Between calls its state is in host memory, whose contents a garbage collector frees; within a
 * call it stays with the backend.
 */
class EagerProgram<S extends StateTree> implements StepProgram<S> {
  private readonly form: readonly string[];
  private released = false;

  constructor(
    private readonly device: EagerDevice,
    private readonly backend: string,
    private readonly step: Step,
    private readonly example: Tree<WideTensor>,
  ) {
    this.form = stateForm(leavesOf(example, isWideTensor));
  }

  put(state: StateTree): DeviceState {
    const given = new Map(leavesOf(hostTreeOf(state), isWideTensor));
    const tensors = leavesOf(this.example, isWideTensor).map(([path, form]) => {
      const tensor = given.get(path);
      const name = `'${path}' of the state`;
      checkForm(name, tensor, form);
      given.delete(path);
      const { data, ...rest } = inPrecision(name, tensor, 'float32');
      return { ...rest, data: data.slice() };
    });
    if (given.size > 0) {
      throw new CompileError(`the state has '${[...given.keys()].join("', '")}', which the step does not`);
    }
    return { tensors, form: this.form };
  }

  async get<T = HostOf<S>>(state: DeviceState): Promise<T> {
    this.checkState(state, 'get');
    let index = 0;
    const copy = (tensor: WideTensor): WideTensor => ({ ...tensor, data: tensor.data.slice() });
    return mapTree(this.example, isWideTensor, () => copy(state.tensors[index++] as WideTensor)) as T;
  }

  async run(state: DeviceState, options: { readonly steps: number }): Promise<RunResult> {
    const steps = stepsOf(options);
    checkNotReleased(this.released, 'program');
    this.checkState(state, 'run');
    const rows: StepOutputs['metrics'][] = [];
    const last = this.each(state, steps, ({ metrics }) => {
      rows.push(metrics);
      return true;
    });
    const names = Object.keys(rows[0] as StepOutputs['metrics']);
    const column = (name: string) => stackSteps(rows.map((row) => row[name] as HostTensor)) as HostTensor;
    return {
      state: { tensors: last, form: this.form },
      metrics: Object.fromEntries(names.map((name) => [name, column(name)])),
    };
  }

  /**
   * As `Program.findNonFinite`, but it looks at what a step returns, not at the operations inside. A NaN that is meant it
   * cannot tell from another, so of the metrics it watches those named alone.
   */
  async findNonFinite(
    state: DeviceState,
    { steps = 1, metrics = [] }: { readonly steps?: number; readonly metrics?: readonly string[] } = {},
  ): Promise<NonFinite | undefined> {
    checkSteps(steps);
    this.checkState(state, 'findNonFinite');
    const paths = leavesOf(this.example, isWideTensor).map(([path]) => path);
    let found: NonFinite | undefined;
    let step = 0;
    this.each(
      state,
      steps,
      (outputs) => {
        checkMetrics(metrics, Object.keys(outputs.metrics));
        const returned = outputs.state.map((tensor, index) => [paths[index] as string, tensor] as const);
        const named = metrics.map((name) => [name, outputs.metrics[name] as HostTensor] as const);
        const bad = [...returned, ...named].find(([, { data }]) => !data.every(Number.isFinite));
        if (bad !== undefined) found = nonFinite(bad[0], bad[1], step);
        step++;
        return found === undefined;
      },
      true,
    );
    return found;
  }

  /** Nothing happens: between calls the state is in host memory. */
  free(state: DeviceState): void {
    this.checkState(state, 'free');
  }

  async release(): Promise<void> {
    this.released = true;
  }

  private checkState(state: DeviceState, method: string): void {
    checkOnDevice(state, method, this.form);
  }

  /**
   * Runs up to `steps` steps, until `visit` returns false, and returns the last state.
   * @param readState Whether `visit` wants every state, which is otherwise read once.
   */
  private each(
    { tensors }: DeviceState,
    steps: number,
    visit: (outputs: StepOutputs) => boolean,
    readState = false,
  ): readonly HostTensor[] {
    const leaves = leavesOf(this.example, isWideTensor);
    const paths = leaves.map(([path]) => path);
    const forms = leaves.map(([, leaf]) => leaf);
    registerGradients();
    return this.guarded(() => {
      let current = (tensors as readonly HostTensor[]).map(({ data, shape, dtype }) =>
        tf.tensor(data, [...shape], dtype),
      );
      try {
        for (let step = 0; step < steps; step++) {
          let metrics: Record<string, HostTensor> = {};
          const next = tf.tidy(() => {
            let index = 0;
            const given = mapTree(this.example, isWideTensor, () => current[index++] as tf.Tensor);
            const result = checkedResult(this.step(given));
            metrics = Object.fromEntries(
              leavesOf(result.metrics, isTensor).map(([name, tensor]) => [name, toHost(tensor)]),
            );
            // A step may return what it was given, or one tensor twice: each gets a handle of its own.
            return nextLeaves(paths, forms, result.state).map((tensor) => tf.clone(tensor));
          });
          tf.dispose(current);
          current = next;
          if (!visit({ state: readState ? current.map(toHost) : [], metrics })) break;
        }
        return current.map(toHost);
      } finally {
        tf.dispose(current);
      }
    });
  }

  /** Runs with the backend active; an operation that it lacks is named in one line. */
  private guarded<T>(body: () => T): T {
    try {
      return withBackend(this.backend, body);
    } catch (error) {
      const missing = /Kernel '([^']+)' not registered for backend/.exec((error as Error).message)?.[1];
      if (missing === undefined) throw error;
      throw new CompileError(
        `the operation '${missing}' does not exist on the device '${this.device}'; use 'cpu', which compiles the step, or 'tfjs:cpu'`,
        { cause: error },
      );
    }
  }
}

function nonFinite(name: string, { data, ...form }: HostTensor, step: number): NonFinite {
  const kind = data.some(Number.isNaN) ? 'NaN' : 'Infinity';
  const output = describe(form);
  const message = `step ${step} returns '${name}', ${output}, with ${kind}; the device 'cpu' tells which operation made it`;
  return { step, kind, inputs: [], output, message };
}
