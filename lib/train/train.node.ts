/** @file Training from Node: the native runtime, a run folder, and stopping on Ctrl-C, SIGTERM or a notebook's stop button. */
import { onnxRuntimeNode } from '../compile/runtime.node';
import { type RunOptions, runConfig } from './config';
import { runEnvironment } from './environment.node';
import type { ProgressDisplay } from './progress';
import { type FinishedRun, runTraining } from './run';
import { RunStore } from './run-store.node';

export interface TrainSettings {
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
 * Runs `body` with a signal that aborts when the process is asked to stop. Further requests change nothing, because one
 * Ctrl-C may arrive twice, from the terminal and from npm, and the run is ending anyway. A notebook's stop button arrives
 * as SIGINT.
 */
export async function untilInterrupted<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  // Not before the caller's synchronous part is over: tslab runs that of a cell with `breakOnSigint`, at whose end Node
  // puts SIGINT back to killing the process, whatever listeners were added meanwhile.
  await new Promise((resolve) => setImmediate(resolve));
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await body(controller.signal);
  } finally {
    for (const name of SIGNALS) process.removeListener(name, stop);
  }
}

/**
 * Trains a run: the preset's configuration with the given differences.
 * @throws ArgumentError for a value out of range, FileError for a folder that cannot be written.
 */
export async function train(options: RunOptions = {}, settings: TrainSettings = {}): Promise<FinishedRun> {
  const { device, threads, out, overwrite = false, display, callSeconds } = settings;
  const config = runConfig(options);
  const environment = runEnvironment({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  const sink = out === undefined ? undefined : RunStore.create(out, { overwrite });
  return untilInterrupted((signal) =>
    runTraining(config, onnxRuntimeNode, {
      environment,
      signal,
      ...(sink === undefined ? {} : { sink }),
      ...(display === undefined ? {} : { display }),
      ...(callSeconds === undefined ? {} : { callSeconds }),
    }),
  );
}
