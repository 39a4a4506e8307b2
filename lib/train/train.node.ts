/** @file Training from Node: a device by its name, a run folder, and stopping on Ctrl-C, SIGTERM or a notebook's stop button. */
import { openDevice } from '../compile/devices.node';
import { type RunOptions, runConfig } from './config';
import { checkedDevice, runEnvironment } from './environment.node';
import type { ProgressDisplay } from './progress';
import { type FinishedRun, runTraining } from './run';
import { RunStore } from './run-store.node';

export interface TrainSettings {
  /** `cpu` (default), `webgpu`, `cuda`, `auto`, or one of tfjs's own backends: see `openDevice`. */
  readonly device?: string;
  /** Threads of the native runtime; default: the machine's, at most 8. Does not change the results. */
  readonly threads?: number;
  /** Run folder; nothing is kept without one. */
  readonly out?: string;
  /** Whether a run already in that folder may be replaced; default false. */
  readonly overwrite?: boolean;
  readonly display?: ProgressDisplay;
  readonly callSeconds?: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Turns requests to stop the process into an abort signal, between `listen` and `forget`. Further requests change
 * nothing, because one Ctrl-C may arrive twice, from the terminal and from npm, and the run is ending anyway. A notebook's
 * stop button arrives as SIGINT.
 */
function stopRequests() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  return {
    signal: controller.signal,
    listen() {
      for (const name of SIGNALS) process.on(name, stop);
    },
    forget() {
      for (const name of SIGNALS) process.removeListener(name, stop);
    },
  };
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Trains a run: the preset's configuration with the given differences.
 * @throws ArgumentError for a value out of range, FileError for a folder that cannot be written, CompileError for a device
 *   that is not there, with how to get it.
 */
export async function train(options: RunOptions = {}, settings: TrainSettings = {}): Promise<FinishedRun> {
  const { device = 'cpu', threads, out, overwrite = false, display, callSeconds } = settings;
  const config = runConfig(options);
  const opened = await openDevice(checkedDevice(device));
  const environment = runEnvironment({ device: opened, ...(threads === undefined ? {} : { threads }) });
  const sink = out === undefined ? undefined : RunStore.create(out, { overwrite });
  const requests = stopRequests();
  try {
    return await runTraining(config, opened, {
      environment,
      signal: requests.signal,
      // Only now: while the step is traced and compiled nothing could honour a request, and the process's own way to die
      // is better. Besides, tslab runs the synchronous part of a cell with `breakOnSigint`, at whose end Node puts SIGINT
      // back to killing the process, whatever listeners were added meanwhile.
      onStart: requests.listen,
      processorTime,
      ...(sink === undefined ? {} : { sink }),
      ...(display === undefined ? {} : { display }),
      ...(callSeconds === undefined ? {} : { callSeconds }),
    });
  } finally {
    requests.forget();
  }
}
