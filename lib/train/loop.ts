/**
 * @file Drives a compiled step: cuts the run into calls of about a quarter of a second, because the runtime blocks the
 * event loop, and between them reports progress, looks for stop requests, saves, and decides when to end. The cut does
 * not change a number.
 */
import type { HostTensor, Program } from '../compile';
import type { Evaluation, TrainingProgress } from './progress';
import type { TrainState } from './state';
import { METRICS, scheduleOf } from './step';

/** Why a run ended: target accuracy reached, budget spent, loss no longer a number, or told to. */
export type StopReason = 'target' | 'steps' | 'nan' | 'signal';

export interface LoopOptions {
  readonly program: Program;
  /** The state to begin with, at any step. */
  readonly state: TrainState;
  /** The run ends before update number `steps`. */
  readonly steps: number;
  /** As in the state's schedule. */
  readonly evalEvery: number;
  /** End once `evaluations` evaluations in a row have a validation accuracy of at least `accuracy`. */
  readonly target?: { readonly accuracy: number; readonly evaluations: number };
  /** Ends the run after the call under way. */
  readonly signal?: AbortSignal;
  /** Seconds of training in one call of the program, about. Default 0.25. */
  readonly callSeconds?: number;
  /** Seconds between two checkpoints. Default 2. */
  readonly checkpointSeconds?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** New evaluations, in order. */
  readonly onEvaluations?: (rows: readonly Evaluation[]) => void;
  /** A state worth keeping: now and then, and at the end. */
  readonly onCheckpoint?: (state: TrainState) => void;
  /** A clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

export interface LoopResult {
  readonly stoppedBy: StopReason;
  /**
   * The state at the end. After `target` these are the very parameters whose evaluation reached it; after `nan` the last
   * ones known to be good.
   */
  readonly state: TrainState;
  readonly evaluations: readonly Evaluation[];
  /** For `nan`: the step whose loss was not finite. */
  readonly nanStep?: number;
  /** Seconds of training, evaluations included and compilation left out. */
  readonly seconds: number;
  /** Milliseconds of one training step alone, without evaluations; `null` where the run ended too soon to tell. */
  readonly msPerStep: number | null;
  /** What the last progress event said. */
  readonly progress: TrainingProgress;
}

/** Longest call in steps, whatever their speed: metrics of every step come back at the end of a call. */
const MOST_STEPS = 10_000;

/** Fewest steps whose mean time is worth reporting. */
const ENOUGH_STEPS = 5;

export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { program, steps, evalEvery, target, signal, callSeconds = 0.25, checkpointSeconds = 2 } = options;
  const { onProgress, onEvaluations, onCheckpoint, now = () => performance.now() } = options;
  const evaluations: Evaluation[] = [];
  const alone = { steps: 0, milliseconds: 0 };
  let step = options.state.step.data[0] as number;
  let device = program.put(options.state);
  let stepSeconds = 0;
  let streak = 0;
  let callSteps = 1;
  let stoppedBy: StopReason | undefined;
  let nanStep: number | undefined;
  const started = now();
  let saved = started;
  let progress: TrainingProgress = {
    step,
    steps,
    stepsPerSecond: 0,
    etaSeconds: Number.POSITIVE_INFINITY,
    elapsedSeconds: 0,
    trainLoss: Number.NaN,
  };
  const current = async () => (await program.get(device)) as TrainState;

  while (stoppedBy === undefined) {
    if (signal?.aborted) stoppedBy = 'signal';
    else if (step >= steps) stoppedBy = 'steps';
    if (stoppedBy !== undefined) break;
    // With a target every evaluation opens a call, so that the state before the call is the one evaluated.
    const untilEvaluation = evalEvery - (step % evalEvery);
    const most =
      target === undefined ? MOST_STEPS : Math.min(untilEvaluation, steps - 1 > step ? steps - 1 - step : 1);
    const count = Math.max(1, Math.min(callSteps, most, steps - step));
    const before = now();
    const result = await program.run(device, { steps: count });
    const milliseconds = now() - before;
    const losses = result.metrics[METRICS.trainLoss] as HostTensor;
    const bad = (losses.data as Float32Array).findIndex((loss) => !Number.isFinite(loss));
    const rows = evaluationsOf(result.metrics, step, bad < 0 ? count : bad, evalEvery, steps - 1);
    evaluations.push(...rows);
    if (rows.length > 0) onEvaluations?.(rows);
    if (bad >= 0) {
      stoppedBy = 'nan';
      nanStep = step + bad;
    } else if (target !== undefined && rows.length > 0) {
      streak = (rows[0] as Evaluation).validationAccuracy >= target.accuracy ? streak + 1 : 0;
      if (streak >= target.evaluations) stoppedBy = 'target';
    }
    if (stoppedBy === undefined) {
      device = result.state;
      step += count;
      if (rows.length === 0) {
        alone.steps += count;
        alone.milliseconds += milliseconds;
      }
      // The first call warms the runtime up and says little about the speed.
      const seconds = milliseconds / 1000 / count;
      stepSeconds = stepSeconds === 0 ? seconds : 0.7 * stepSeconds + 0.3 * seconds;
      callSteps = Math.min(4 * callSteps, Math.max(1, Math.round(callSeconds / stepSeconds)));
    }
    const elapsedSeconds = (now() - started) / 1000;
    const newest = evaluations.at(-1);
    progress = {
      step,
      steps,
      stepsPerSecond: stepSeconds === 0 ? 0 : 1 / stepSeconds,
      etaSeconds: stepSeconds === 0 ? Number.POSITIVE_INFINITY : (steps - step) * stepSeconds,
      elapsedSeconds,
      trainLoss: losses.data[newestIn(stoppedBy, count, bad)] as number,
      ...(newest === undefined ? {} : { evaluation: newest }),
    };
    onProgress?.(progress);
    if (onCheckpoint !== undefined && now() - saved >= checkpointSeconds * 1000 && stoppedBy === undefined) {
      onCheckpoint(await current());
      saved = now();
    }
    // Lets timers and signals have their turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const state = await current();
  onCheckpoint?.(state);
  const seconds = (now() - started) / 1000;
  const finished = stoppedBy === 'target' || stoppedBy === 'steps';
  const msPerStep =
    alone.steps >= ENOUGH_STEPS
      ? alone.milliseconds / alone.steps
      : finished
        ? await timeSteps(program, state, Math.max(ENOUGH_STEPS, Math.min(MOST_STEPS, callSteps)), now)
        : null;
  return {
    stoppedBy,
    state,
    evaluations,
    ...(nanStep === undefined ? {} : { nanStep }),
    seconds,
    msPerStep,
    progress,
  };
}

/** Which step of the last call the run stands at: steps after a reached target are thrown away. */
function newestIn(stoppedBy: StopReason | undefined, count: number, bad: number): number {
  if (stoppedBy === 'target') return 0;
  return bad < 0 ? count - 1 : bad;
}

/** The evaluations among the steps of a call. */
function evaluationsOf(
  metrics: Readonly<Record<string, HostTensor>>,
  firstStep: number,
  count: number,
  evalEvery: number,
  lastStep: number,
): Evaluation[] {
  const value = (name: keyof typeof METRICS, i: number) =>
    (metrics[METRICS[name]] as HostTensor).data[i] as number;
  const rows: Evaluation[] = [];
  for (let i = 0; i < count; i++) {
    const epoch = firstStep + i;
    if (epoch % evalEvery !== 0 && epoch !== lastStep) continue;
    rows.push({
      epoch,
      trainAccuracy: value('trainAccuracy', i),
      trainLoss: value('trainLoss', i),
      validationAccuracy: value('validationAccuracy', i),
      validationLoss: value('validationLoss', i),
    });
  }
  return rows;
}

/**
 * Milliseconds of a step, where too few calls of the run were without an evaluation: some steps on from the given state
 * with none due, their results thrown away.
 */
async function timeSteps(
  program: Program,
  state: TrainState,
  count: number,
  now: () => number,
): Promise<number> {
  const unevaluated = {
    ...state,
    step: { ...state.step, data: Int32Array.of(1) },
    schedule: scheduleOf(2 ** 30, -1),
  };
  const device = program.put(unevaluated);
  await program.run(device, { steps: 1 });
  const before = now();
  await program.run(device, { steps: count });
  return (now() - before) / count;
}
