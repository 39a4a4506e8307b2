/** @file Training from Node: a device by its name, a run folder, and stopping on Ctrl-C, SIGTERM or a notebook's stop button. */
import { openDevice } from '../compile/devices.node';
import { shown } from '../compile/errors';
import { requireRecord } from '../data/arguments';
import { ArgumentError } from '../errors';
import { type RunConfig, type RunOptions, runConfig } from './config';
import { checkedDevice, runEnvironment } from './environment.node';
import type { FoundRun } from './find-run.node';
import { formatCount } from './number-format';
import type { ProgressDisplay } from './progress';
import { stepOf } from './restore';
import { type FinishedRun, finishedRun, type RunEnvironment, runTraining } from './run';
import { RunStore } from './run-store.node';
import { environmentChange } from './sessions';

export interface TrainSettings {
  /** `cpu` (default), `webgpu`, `cuda`, `auto`, or one of tfjs's own backends: see `openDevice`. */
  readonly device?: string;
  /**
   * Threads of the native runtime; default: the machine's, at most 8. The results are the same, bit for bit, for 1 to 4, as
   * tested; with more the last digits may differ.
   */
  readonly threads?: number;
  /** Run folder; nothing is kept without one. */
  readonly out?: string;
  /** Whether a run already in that folder may be replaced; default false. It stays until the new one begins to train. */
  readonly overwrite?: boolean;
  /**
   * Whether to go on with the run in that folder, to the same result as if it had never been stopped; default false. A
   * folder without a run or a checkpoint begins one; a run that has ended is only read.
   */
  readonly resume?: boolean;
  /** Most seconds of training between two checkpoints; default 2. Does not change the results. */
  readonly checkpointSeconds?: number;
  /** Takes lines that a user should read, such as which step a run goes on from. Default `console.warn`. */
  readonly notify?: (line: string) => void;
  readonly display?: ProgressDisplay;
  readonly callSeconds?: number;
}

const SETTINGS: { readonly [Key in keyof Required<TrainSettings>]: true } = {
  device: true,
  threads: true,
  out: true,
  overwrite: true,
  resume: true,
  checkpointSeconds: true,
  notify: true,
  display: true,
  callSeconds: true,
};

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

/** Takes hold of the run folder. */
function openStore(config: RunConfig, settings: TrainSettings): RunStore | undefined {
  const { out, overwrite = false, resume = false, checkpointSeconds = 2 } = settings;
  if (!(checkpointSeconds >= 0 && checkpointSeconds < Number.POSITIVE_INFINITY)) {
    throw new ArgumentError(
      `checkpoint-seconds is ${shown(checkpointSeconds)}, expected a finite number of at least 0 such as 2`,
    );
  }
  if (resume && overwrite) {
    throw new ArgumentError('resume and overwrite exclude each other; give one of them');
  }
  if (out === undefined) {
    if (resume) throw new ArgumentError('resume needs the folder of the run; give it by out');
    return undefined;
  }
  return resume ? RunStore.resume(out, config) : RunStore.create(out, { overwrite });
}

/** Tells what is to be said of a run that goes on. */
function announce(
  { notices, sessions, checkpoint }: FoundRun,
  { steps }: RunConfig,
  environment: RunEnvironment,
  notify: (line: string) => void,
) {
  for (const notice of notices) notify(notice);
  const last = sessions.at(-1);
  const change = last && environmentChange(last, environment);
  if (change !== undefined) notify(change);
  notify(`going on from step ${formatCount(stepOf(checkpoint) ?? 0)} of ${formatCount(steps)}`);
}

/**
 * Trains a run: the preset's configuration with the given differences.
 * @throws ArgumentError for an unknown setting or a value out of range, FileError for a folder that cannot be written, is in
 *   use or holds another run, CompileError for a device that is not there, with how to get it.
 */
export async function train(options: RunOptions = {}, settings: TrainSettings = {}): Promise<FinishedRun> {
  requireRecord('the settings of train', settings, "{ out: 'output/runs/mine' }", Object.keys(SETTINGS));
  const { device = 'cpu', threads, out, display, callSeconds, checkpointSeconds } = settings;
  const { notify = (line: string) => console.warn(line) } = settings;
  const config = runConfig(options);
  const opened = await openDevice(checkedDevice(device));
  const environment = runEnvironment({ device: opened, ...(threads === undefined ? {} : { threads }) });
  const store = openStore(config, settings);
  const requests = stopRequests();
  try {
    const found = store?.found;
    if (found?.ended !== undefined) {
      notify(`${out} holds this run, and it has ended: nothing to do.`);
      return finishedRun(config, found.ended, found);
    }
    if (found !== undefined) announce(found, config, environment, notify);
    return await runTraining(config, opened, {
      environment,
      signal: requests.signal,
      // Only now: while the step is traced and compiled nothing could honour a request, and the process's own way to die
      // is better. Besides, tslab runs the synchronous part of a cell with `breakOnSigint`, at whose end Node puts SIGINT
      // back to killing the process, whatever listeners were added meanwhile.
      onStart: requests.listen,
      processorTime,
      ...(store === undefined ? {} : { sink: store }),
      ...(found === undefined ? {} : { from: found }),
      ...(display === undefined ? {} : { display }),
      ...(callSeconds === undefined ? {} : { callSeconds }),
      ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    });
  } finally {
    requests.forget();
    store?.release();
  }
}
