/** @file Training from Node: a device by its name, a run folder, and stopping on Ctrl-C, SIGTERM or a notebook's stop button. */
import { openDevice } from '../compile/devices.node';
import { shown } from '../compile/errors';
import { requireRecord } from '../data/arguments';
import { ArgumentError, FileError } from '../errors';
import { createModel } from '../models/registry';
import { datasetSizesOf, modelConfigOf, type RunConfig, type RunOptions, runConfig } from './config';
import { checkedDevice, runEnvironment } from './environment.node';
import { type FoundRun, lostProgress } from './find-run.node';
import { formatCount } from './number-format';
import type { ProgressDisplay } from './progress';
import { stepOf } from './restore';
import { type FinishedRun, finishedRun, type RunEnvironment, runTraining } from './run';
import { RunStore } from './run-store.node';
import { environmentChange } from './sessions';
import type { Spectrum, SpectrumSchedule } from './spectrum';
import { continuedSpectrum, readSpectrum } from './spectrum.node';
import { checkSchedule, type SpectrumRecorder, spectrumRecorder } from './spectrum-recorder';

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
   * folder without a run or a checkpoint begins one, and tells of an earlier one that had got further; a run that has ended
   * is only read.
   */
  readonly resume?: boolean;
  /** Most seconds of training between two checkpoints; default 2. Does not change the results. */
  readonly checkpointSeconds?: number;
  /** Takes lines that a user should read, such as which step a run goes on from. Default `console.warn`. */
  readonly notify?: (line: string) => void;
  readonly display?: ProgressDisplay;
  readonly callSeconds?: number;
  /**
   * Record the singular values of every matrix each so many steps, and at the end: in the run folder's
   * `spectrum.safetensors`, if there is a folder, and in what `train` gives. Default: not at all. Does not change the results.
   */
  readonly spectrumEvery?: number;
  /**
   * Record them also so many steps apart, fewer than `spectrumEvery`, as long as validation accuracy changes by 2 points or
   * more over `spectrumEvery` steps. Default: no closer there than elsewhere.
   */
  readonly spectrumDense?: number;
}

/** The outcome of `train`. */
export interface TrainedRun extends FinishedRun {
  /** The singular values through training, where they were recorded. */
  readonly spectrum?: Spectrum;
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
  spectrumEvery: true,
  spectrumDense: true,
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

/** Which states' singular values are wanted. */
function spectrumSchedule({ spectrumEvery, spectrumDense }: TrainSettings): SpectrumSchedule | undefined {
  if (spectrumEvery === undefined) {
    if (spectrumDense === undefined) return undefined;
    throw new ArgumentError(
      `spectrum-dense is ${shown(spectrumDense)}, but spectrum-every is not given; give both, such as spectrum-every 50 and spectrum-dense 5`,
    );
  }
  const schedule =
    spectrumDense === undefined ? { every: spectrumEvery } : { every: spectrumEvery, dense: spectrumDense };
  checkSchedule(schedule);
  return schedule;
}

/** What records them: in memory, and where there is a run folder in its file too. */
function recorderOf(
  schedule: SpectrumSchedule,
  config: RunConfig,
  store: RunStore | undefined,
  notify: (line: string) => void,
): SpectrumRecorder {
  const model = createModel(modelConfigOf(config, datasetSizesOf(config)));
  const found = store?.found;
  const { before, notices } =
    store === undefined || found === undefined
      ? { before: undefined, notices: [] }
      : continuedSpectrum(store.path('spectrum'), stepOf(found.checkpoint) ?? 0, { model, ...schedule });
  for (const notice of notices) notify(notice);
  return spectrumRecorder({
    ...schedule,
    model,
    ...(before === undefined ? {} : { before }),
    ...(store === undefined ? {} : { save: (spectrum) => store.saveSpectrum(spectrum) }),
  });
}

/** What a run that has ended left recorded. */
function endedSpectrum(store: RunStore, notify: (line: string) => void): { readonly spectrum?: Spectrum } {
  try {
    return { spectrum: readSpectrum(store.path('spectrum')) };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    notify(`the run's singular values cannot be read: ${error.message}`);
    return {};
  }
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
export async function train(options: RunOptions = {}, settings: TrainSettings = {}): Promise<TrainedRun> {
  requireRecord('the settings of train', settings, "{ out: 'output/runs/mine' }", Object.keys(SETTINGS));
  const { device = 'cpu', threads, out, display, callSeconds, checkpointSeconds } = settings;
  const { notify = (line: string) => console.warn(line) } = settings;
  const config = runConfig(options);
  const schedule = spectrumSchedule(settings);
  const opened = await openDevice(checkedDevice(device));
  const environment = runEnvironment({ device: opened, ...(threads === undefined ? {} : { threads }) });
  const store = openStore(config, settings);
  const requests = stopRequests();
  try {
    const found = store?.found;
    if (found?.ended !== undefined) {
      notify(`${out} holds this run, and it has ended: nothing to do.`);
      const recorded = schedule && store && endedSpectrum(store, notify);
      return { ...finishedRun(config, found.ended, found), ...recorded };
    }
    if (found !== undefined) announce(found, config, environment, notify);
    const lost = settings.resume && store && found === undefined ? lostProgress(store.directory) : undefined;
    if (lost !== undefined) notify(lost);
    const recorder = schedule && recorderOf(schedule, config, store, notify);
    const finished = await runTraining(config, opened, {
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
      ...(recorder === undefined ? {} : { observer: recorder }),
    });
    return recorder === undefined ? finished : { ...finished, spectrum: recorder.spectrum() };
  } finally {
    requests.forget();
    store?.release();
  }
}
