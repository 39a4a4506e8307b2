/** @file A whole run: compile, train, keep what it produces. Pure but for the device and the sink it is given. */
import { type HostTree, memoryCache, type ProgramOptions } from '../compile';
import type { OpenedDevice, StepProgram } from '../compile/devices';
import { TrainingError } from '../errors';
import { encodeCheckpoint } from './checkpoint';
import type { RunConfig } from './config';
import { type LoopResult, type StopReason, trainLoop } from './loop';
import { formatCount, formatPercent } from './number-format';
import type { StateObserver } from './observer';
import { prepareRun } from './prepare';
import type { Evaluation, ProgressDisplay } from './progress';
import { restoreState } from './restore';
import type { TensorFile } from './safetensors';
import { type TrainingSession, totalTimes } from './sessions';
import type { TrainState } from './state';
import { targetOf } from './target';

/** Where a run's results go; `RunStore` is one. */
export interface RunSink {
  /**
   * The run is compiled and begins.
   *
   * @param checkpoint the state it goes on from, where that was saved under a smaller budget
   */
  begin(config: object, checkpoint?: Uint8Array): void;
  /** Called at the beginning and before every checkpoint, with all sessions so far. */
  saveSessions(sessions: readonly TrainingSession[]): void;
  appendMetrics(rows: readonly Evaluation[]): void;
  /** @param step updates that the state has behind it */
  saveCheckpoint(bytes: Uint8Array, step: number): void;
  saveSummary(summary: object): void;
}

/** What a run that was stopped goes on from. */
export interface Continuation {
  readonly checkpoint: TensorFile;
  /** The checkpoint's name, for messages. */
  readonly source: string;
  /** All evaluations before the checkpoint's step. */
  readonly evaluations: readonly Evaluation[];
  readonly sessions: readonly TrainingSession[];
  /** Whether the checkpoint was saved under a smaller budget. */
  readonly extended: boolean;
}

/** Where a run happens, for the record. */
export interface RunEnvironment {
  readonly device: string;
  /** Why that device, where the choice was left to the program. */
  readonly deviceReason?: string;
  readonly threads: number;
  /** Software by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
}

export interface RunSettings {
  readonly environment: RunEnvironment;
  readonly signal?: AbortSignal;
  readonly sink?: RunSink;
  /** Go on from there instead of beginning at step 0. */
  readonly from?: Continuation;
  readonly display?: ProgressDisplay;
  /** Is shown states of the run, before the sink is given a checkpoint. Does not change the results. */
  readonly observer?: StateObserver;
  /** Seconds of training in one call of the native program; default 0.25. Does not change the results. */
  readonly callSeconds?: number;
  /** Most seconds of training between two checkpoints; default 2. Does not change the results. */
  readonly checkpointSeconds?: number;
  /**
   * Milliseconds of processor time that this process has used. With it, a run on the CPU notices when other programs want
   * its cores, and lets its waiting threads sleep from then on.
   */
  readonly processorTime?: () => number;
  /** Called when compiling is over and training begins; from then on the run looks at `signal`. */
  readonly onStart?: () => void;
}

/** The outcome of a run; the content of `summary.json`. Accuracies and losses are those of the last evaluation. */
export interface RunSummary extends RunEnvironment {
  /** Updates done. */
  readonly steps: number;
  /** Training, evaluations included, compilation left out; all sessions together. */
  readonly seconds: number;
  /** All sessions together. */
  readonly compileSeconds: number;
  /** One training step alone; `null` where the run ended too soon to tell. */
  readonly msPerStep: number | null;
  readonly trainAccuracy: number | null;
  readonly validationAccuracy: number | null;
  readonly trainLoss: number | null;
  readonly validationLoss: number | null;
  /** First evaluation with an accuracy of at least 99 %, or `null`. */
  readonly firstStepTrain99: number | null;
  readonly firstStepValidation99: number | null;
  readonly stoppedBy: StopReason;
  readonly seed: number;
  /** For `nan`: the step whose loss was not a finite number. */
  readonly nanStep?: number;
  /** For `nan`: what happened, in one line, where it is known. */
  readonly nanCause?: string;
  /** A run that was never stopped has one. */
  readonly sessions: readonly TrainingSession[];
}

export interface FinishedRun {
  readonly config: RunConfig;
  readonly summary: RunSummary;
  readonly evaluations: readonly Evaluation[];
  /** Final parameters. */
  readonly params: HostTree;
  /** Final state, optimiser included. */
  readonly state: TrainState;
}

/**
 * Trains a configuration to its end.
 * @throws CompileError, UserError as compiling, preparing and the sink do. A loss that becomes NaN is no error here: see
 *   `summary.stoppedBy` and `requireFinite`.
 */
export async function runTraining(
  config: RunConfig,
  device: OpenedDevice,
  settings: RunSettings,
): Promise<FinishedRun> {
  const { environment, signal, sink, from, display, observer, processorTime, onStart } = settings;
  const prepared = prepareRun(config);
  const initial =
    from === undefined ? prepared.initial : restoreState(prepared.initial, from.checkpoint, from.source);
  const earlier = from?.sessions ?? [];
  const started = performance.now();
  const { threads } = environment;
  const cache = memoryCache();
  const compile = (options: ProgramOptions<'float32'>) =>
    device.compile(prepared.step, prepared.initial, { threads, cache, ...options });
  const programs = [await compile({})];
  const session: TrainingSession = {
    started: new Date().toISOString(),
    fromStep: stepNumber(initial),
    toStep: stepNumber(initial),
    seconds: 0,
    compileSeconds: (performance.now() - started) / 1000,
    ...environment,
  };
  const sessionsAt = (state: TrainState, seconds: number) => [
    ...earlier,
    { ...session, toStep: stepNumber(state), seconds },
  ];
  const sleeping = async () => {
    const program = await compile({ spinning: false });
    programs.push(program);
    return program;
  };
  try {
    onStart?.();
    sink?.begin(config, from?.extended ? encodeCheckpoint(initial, config) : undefined);
    sink?.saveSessions(sessionsAt(initial, 0));
    const target = targetOf(config);
    const result = await trainLoop({
      program: programs[0] as StepProgram<TrainState>,
      state: initial,
      history: from?.evaluations ?? [],
      secondsBefore: totalTimes(earlier).seconds,
      steps: config.steps,
      evalEvery: config.evalEvery,
      ...(target === undefined ? {} : { target }),
      ...(processorTime === undefined || device.name !== 'cpu' || threads < 2
        ? {}
        : { idleThreads: { threads, processorTime, sleeping } }),
      ...(signal === undefined ? {} : { signal }),
      ...(observer === undefined ? {} : { observer }),
      ...(settings.callSeconds === undefined ? {} : { callSeconds: settings.callSeconds }),
      ...(settings.checkpointSeconds === undefined ? {} : { checkpointSeconds: settings.checkpointSeconds }),
      ...(display === undefined ? {} : { onProgress: (progress) => display.update(progress) }),
      ...(sink === undefined
        ? {}
        : {
            onEvaluations: (rows) => sink.appendMetrics(rows),
            onCheckpoint: (state, seconds) => {
              sink.saveSessions(sessionsAt(state, seconds));
              observer?.save();
              sink.saveCheckpoint(encodeCheckpoint(state, config), stepNumber(state));
            },
          }),
    });
    const summary = summarize(config, environment, result, sessionsAt(result.state, result.seconds));
    sink?.saveSummary(summary);
    display?.finish(result.progress, closingLine(config, summary));
    return {
      config,
      summary,
      evaluations: result.evaluations,
      params: result.state.params,
      state: result.state,
    };
  } finally {
    display?.stop();
    await Promise.all(programs.map((program) => program.release()));
  }
}

function summarize(
  config: RunConfig,
  environment: RunEnvironment,
  result: LoopResult,
  sessions: readonly TrainingSession[],
): RunSummary {
  return {
    steps: stepNumber(result.state),
    ...totalTimes(sessions),
    msPerStep: result.msPerStep,
    ...measured(result.evaluations),
    stoppedBy: result.stoppedBy,
    seed: config.seed,
    ...(result.nanStep === undefined ? {} : { nanStep: result.nanStep }),
    ...(result.nanCause === undefined
      ? {}
      : { nanCause: `at step ${result.nanCause.step} ${result.nanCause.message}` }),
    ...environment,
    sessions,
  };
}

/** What a summary says of the evaluations. */
export function measured(evaluations: readonly Evaluation[]) {
  const last = evaluations.at(-1);
  const first = (key: 'trainAccuracy' | 'validationAccuracy') =>
    evaluations.find((row) => row[key] >= 0.99)?.epoch ?? null;
  return {
    trainAccuracy: last?.trainAccuracy ?? null,
    validationAccuracy: last?.validationAccuracy ?? null,
    trainLoss: last?.trainLoss ?? null,
    validationLoss: last?.validationLoss ?? null,
    firstStepTrain99: first('trainAccuracy'),
    firstStepValidation99: first('validationAccuracy'),
  };
}

/**
 * A run that ended before, as it is kept.
 *
 * @param summary the one in its folder
 * @throws {FileError} if the checkpoint is not one of this configuration
 */
export function finishedRun(config: RunConfig, summary: RunSummary, from: Continuation): FinishedRun {
  const state = restoreState(prepareRun(config).initial, from.checkpoint, from.source);
  return { config, summary, evaluations: from.evaluations, params: state.params, state };
}

/** Updates that a state has behind it. */
function stepNumber({ step }: TrainState): number {
  return step.data[0] as number;
}

/** What the last line of a progress display says. */
function closingLine(
  { stopAtAccuracy, stepsAfterTarget }: RunConfig,
  { stoppedBy, steps, nanStep }: RunSummary,
): string {
  if (stoppedBy === 'target') {
    const more = stepsAfterTarget === undefined ? '' : `, ${formatCount(stepsAfterTarget)} steps before`;
    return `target reached${more}: validation accuracy ≥ ${formatPercent(stopAtAccuracy as number)}`;
  }
  if (stoppedBy === 'steps') return 'step budget used';
  if (stoppedBy === 'nan') return `the loss became NaN or infinite at step ${nanStep}`;
  return `stopped at step ${steps}`;
}

/**
 * @throws TrainingError in one line where the run ended because its loss was no longer a finite number.
 */
export function requireFinite({ summary, config }: FinishedRun): void {
  if (summary.stoppedBy !== 'nan') return;
  const cause = summary.nanCause === undefined ? '' : ` (${summary.nanCause})`;
  throw new TrainingError(
    `the training loss became NaN or infinite at step ${summary.nanStep}${cause}; the last good state, of step ${summary.steps}, was kept; try a smaller learning rate than ${config.learningRate}`,
  );
}
