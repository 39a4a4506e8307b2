/**
 * @file Drives a compiled step: cuts the run into calls of about a quarter of a second, because the runtime blocks the
 * event loop, and between them reports progress, looks for stop requests, saves, and decides when to end. The cut does
 * not change a number.
 */
import type { DeviceState, HostTensor, NonFinite } from '../compile';
import type { StepProgram } from '../compile/devices';
import { CrowdingWatch, type IdleThreads } from './crowding';
import type { StateObserver } from './observer';
import type { Evaluation, TrainingProgress } from './progress';
import type { TrainState } from './state';
import { METRICS, scheduleOf } from './step';
import { type AccuracyTarget, isEvaluated, targetEnd } from './target';

/** Why a run ended: target accuracy reached, budget spent, loss no longer a number, or told to. */
export type StopReason = 'target' | 'steps' | 'nan' | 'signal';

export interface LoopOptions {
  readonly program: StepProgram<TrainState>;
  /** The state to begin with, at any step. */
  readonly state: TrainState;
  /** Evaluations before that step, of a run that is continued; they count towards the target. */
  readonly history?: readonly Evaluation[];
  /** Seconds that went into the run before that step. Default 0. */
  readonly secondsBefore?: number;
  /** The run ends before update number `steps`. */
  readonly steps: number;
  /** As in the state's schedule. */
  readonly evalEvery: number;
  /** End once enough evaluations in a row reach an accuracy, or some updates after that. */
  readonly target?: AccuracyTarget;
  /** Ends the run after the call under way. */
  readonly signal?: AbortSignal;
  /** Seconds of training in one call of the program, about. Default 0.25. */
  readonly callSeconds?: number;
  /** Most seconds of training between two states that are kept, where a call is shorter than that. Default 2. */
  readonly checkpointSeconds?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** New evaluations, in order. */
  readonly onEvaluations?: (rows: readonly Evaluation[]) => void;
  /** A state worth keeping, now and then and at the end, and the seconds of training that led to it. */
  readonly onCheckpoint?: (state: TrainState, seconds: number) => void;
  /** Is shown the states it asks for, at which calls then end, and the last one. Changes no number. */
  readonly observer?: StateObserver;
  /** Lets waiting threads sleep from the moment that other programs want their cores. Changes no number. */
  readonly idleThreads?: IdleThreads<StepProgram<TrainState>>;
  /** A clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

export interface LoopResult {
  readonly stoppedBy: StopReason;
  /**
   * The state at the end. After `target` these are the very parameters whose evaluation reached it, or those so many updates
   * later, evaluated where one is due; after `nan` the last ones whose loss is finite.
   */
  readonly state: TrainState;
  /** All of them, the history included. */
  readonly evaluations: readonly Evaluation[];
  /** For `nan`: the step whose loss was not finite. */
  readonly nanStep?: number;
  /** For `nan`: the first operation that made a number not finite, where one is found, and the step it happened in. */
  readonly nanCause?: NonFinite;
  /** Seconds of training in this loop, evaluations and observer included, compilation left out. */
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

/** Calls shorter than this share of what they should last belong to the warm-up and are not timed. */
const SHARE_OF_CALL = 0.4;

/** Seconds that are timed before the time left is told: the first calls are slow, and hours would be promised by them. */
const SECONDS_BEFORE_ETA = 2;

/** How many calls of the program count as recent. */
const RECENT_CALLS = 8;

/** A state on the device, and how many updates it has behind it. */
interface Standing {
  readonly device: DeviceState;
  readonly step: number;
}

/** Speed of the run, from its calls. */
interface Pace {
  /** Recent seconds a step, evaluations included; 0 before the first call. */
  readonly stepSeconds: number;
  /** Seconds of all calls but the first, which warms the runtime up. */
  readonly timedSeconds: number;
  /** Length of the next call. */
  readonly callSteps: number;
}

function nextPace(pace: Pace, call: { steps: number; seconds: number }, callSeconds: number): Pace {
  const { stepSeconds, timedSeconds, callSteps } = pace;
  const seconds = call.seconds / call.steps;
  // The first call warms the runtime up, so calls grow step by step, and the second forgets how long it took.
  const recent = timedSeconds === 0 ? seconds : 0.7 * stepSeconds + 0.3 * seconds;
  return {
    stepSeconds: recent,
    timedSeconds: stepSeconds === 0 ? 0 : timedSeconds + call.seconds,
    callSteps: Math.min(4 * callSteps, MOST_STEPS, Math.max(1, Math.round(callSeconds / recent))),
  };
}

/**
 * Runs a compiled step until the budget is spent, the target is reached, the loss is not finite or the signal aborts.
 * Errors of the program and of the callbacks end it and are passed on.
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { steps, evalEvery, target, signal, callSeconds = 0.25, checkpointSeconds = 2 } = options;
  let { program, idleThreads } = options;
  const watch = new CrowdingWatch(idleThreads?.threads ?? 1);
  const { onProgress, onEvaluations, onCheckpoint, observer, now = () => performance.now() } = options;
  const { history = [], secondsBefore = 0 } = options;
  const evaluations: Evaluation[] = [...history];
  const alone = { steps: 0, milliseconds: 0 };
  let standing: Standing = {
    device: program.put(options.state),
    step: options.state.step.data[0] as number,
  };
  // The newest state whose own loss is known to be finite; what a step made is known only when the next begins.
  let good = standing;
  let pace: Pace = { stepSeconds: 0, timedSeconds: 0, callSteps: 1 };
  // Where the target ends the run, once it is reached.
  let end = target === undefined ? undefined : targetEnd(history, target, steps);
  let nanStep: number | undefined;
  const recentCalls = { evaluated: [] as number[], plain: [] as number[] };
  const started = now();
  // When the state that was saved last was the newest one.
  let saved = started;
  let progress: TrainingProgress = {
    step: standing.step,
    steps: lastStep(options, end),
    stepsPerSecond: 0,
    etaSeconds: Number.POSITIVE_INFINITY,
    elapsedSeconds: secondsBefore,
    trainLoss: Number.NaN,
  };
  const read = ({ device }: Standing) => program.get(device);
  const reasonToStop = (): StopReason | undefined => {
    const { step } = standing;
    // A run at its end has ended, also where it was told to stop there.
    if (end !== undefined && step >= end && !isEvaluated(step, options)) return 'target';
    if (step >= steps) return 'steps';
    return signal?.aborted ? 'signal' : undefined;
  };

  let stoppedBy = reasonToStop();
  while (stoppedBy === undefined) {
    const { step } = standing;
    if (observer?.nextAfter(step - 1, evaluations) === step) observer.see(await read(standing));
    const toObserved = (observer?.nextAfter(step, evaluations) ?? Number.POSITIVE_INFINITY) - step;
    const toEnd = stepsToEnd(options, step, end);
    const count = Math.min(pace.callSteps, toEnd, stepsToEvaluation(options, step), toObserved);
    const [before, processorBefore] = [now(), idleThreads?.processorTime() ?? 0];
    const result = await program.run(standing.device, { steps: count });
    const milliseconds = now() - before;
    const calls = evaluates(options, step, count) ? recentCalls.evaluated : recentCalls.plain;
    calls.unshift(milliseconds);
    calls.length = Math.min(calls.length, RECENT_CALLS);
    if (idleThreads !== undefined && watch.add(milliseconds, idleThreads.processorTime() - processorBefore)) {
      program = await idleThreads.sleeping();
      idleThreads = undefined;
    }
    const losses = result.metrics[METRICS.trainLoss] as HostTensor;
    const bad = (losses.data as Float32Array).findIndex((loss) => !Number.isFinite(loss));
    const rows = rowsOf(result.metrics, { step, count: bad < 0 ? count : bad }, { evalEvery, steps });
    evaluations.push(...rows);
    if (rows.length > 0) onEvaluations?.(rows);
    if (bad !== 0) good = standing;
    // The evaluation opened the call, so what became NaN after it must not matter.
    if (target !== undefined && rows.length > 0) {
      end ??= targetEnd(evaluations.slice(-target.evaluations), target, steps);
      if (end !== undefined && step >= end) stoppedBy = 'target';
    }
    if (stoppedBy === undefined && bad >= 0) {
      stoppedBy = 'nan';
      nanStep = step + bad;
      standing = await advance(program, good, nanStep - 1);
    }
    if (stoppedBy === undefined) {
      standing = { device: result.state, step: step + count };
      if (rows.length === 0 && milliseconds >= SHARE_OF_CALL * callSeconds * 1000) {
        alone.steps += count;
        alone.milliseconds += milliseconds;
      }
      pace = nextPace(pace, { steps: count, seconds: milliseconds / 1000 }, callSeconds);
    }
    const newest = evaluations.at(-1);
    const last = lastStep(options, end);
    progress = {
      step: standing.step,
      steps: last,
      stepsPerSecond: pace.stepSeconds === 0 ? 0 : 1 / pace.stepSeconds,
      etaSeconds:
        pace.timedSeconds < SECONDS_BEFORE_ETA
          ? Number.POSITIVE_INFINITY
          : (last - standing.step) * pace.stepSeconds,
      elapsedSeconds: secondsBefore + (now() - started) / 1000,
      trainLoss: losses.data[newestIn(stoppedBy, count, bad)] as number,
      ...(newest === undefined ? {} : { evaluation: newest }),
    };
    onProgress?.(progress);
    // After the next call it may be too late. What is saved is the state that this call began with.
    const next = evaluates(options, standing.step, pace.callSteps)
      ? [...recentCalls.evaluated, ...recentCalls.plain]
      : recentCalls.plain;
    if (
      onCheckpoint !== undefined &&
      stoppedBy === undefined &&
      now() + Math.max(milliseconds, ...next) - saved > checkpointSeconds * 1000
    ) {
      onCheckpoint(await read(good), (before - started) / 1000);
      saved = before;
    }
    // Lets timers and signals have their turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    stoppedBy ??= reasonToStop();
  }
  const seconds = (now() - started) / 1000;
  if (good.step < standing.step && (stoppedBy === 'signal' || stoppedBy === 'steps')) {
    // Going on from here must lead where a run leads that was never stopped: in front of the first loss that is not finite.
    const { metrics } = await program.run(standing.device, { steps: 1 });
    const loss = (metrics[METRICS.trainLoss] as HostTensor).data[0] as number;
    if (!Number.isFinite(loss) && stoppedBy === 'signal') {
      stoppedBy = 'nan';
      nanStep = standing.step;
      standing = await advance(program, good, nanStep - 1);
      progress = { ...progress, step: standing.step, trainLoss: loss };
      onProgress?.(progress);
    } else if (!Number.isFinite(loss)) {
      // The budget's own result is kept, but a larger budget ends a step before it; all losses since `good` are finite.
      onCheckpoint?.(await read(await advance(program, good, standing.step - 1)), seconds);
    }
  }
  const state = await read(standing);
  observer?.see(state);
  onCheckpoint?.(state, seconds);
  const nanCause = nanStep === undefined ? undefined : await causeOf(program, standing, nanStep);
  let msPerStep = alone.steps >= ENOUGH_STEPS ? alone.milliseconds / alone.steps : null;
  if (msPerStep === null && (stoppedBy === 'target' || stoppedBy === 'steps')) {
    msPerStep = await timeSteps(program, state, pace.callSteps, now);
  }
  return {
    stoppedBy,
    state,
    evaluations,
    ...(nanStep === undefined ? {} : { nanStep }),
    ...(nanCause === undefined ? {} : { nanCause }),
    seconds,
    msPerStep,
    progress,
  };
}

/** The most steps of a call: to the end, which a call that finds the target reached must not run past. */
function stepsToEnd({ steps, target }: LoopOptions, step: number, end: number | undefined): number {
  if (end !== undefined) return Math.max(1, end - step);
  return Math.min(steps - step, target?.stepsAfter || steps);
}

/** Where the run ends, as far as is known. A run that ends at its target without more keeps the budget it had. */
function lastStep({ steps, target }: LoopOptions, end: number | undefined): number {
  return (target?.stepsAfter ?? 0) > 0 ? (end ?? steps) : steps;
}

/** The state some steps on, or the same one where it is there already. */
async function advance(program: StepProgram<TrainState>, from: Standing, step: number): Promise<Standing> {
  if (step <= from.step) return from;
  const { state } = await program.run(from.device, { steps: step - from.step });
  return { device: state, step };
}

/**
 * What went wrong between the last good state and the loss that was not finite. It takes a compilation of its own and more
 * memory than the run did; where that fails the run ends as it would have, without a cause.
 */
async function causeOf(
  program: StepProgram<TrainState>,
  { device, step }: Standing,
  nanStep: number,
): Promise<NonFinite | undefined> {
  try {
    const cause = await program.findNonFinite(device, {
      steps: nanStep - step + 1,
      metrics: [METRICS.trainLoss],
    });
    return cause && { ...cause, step: step + cause.step };
  } catch {
    return undefined;
  }
}

/**
 * With a target, calls end where an evaluation is due, so that every evaluation opens a call and the state before the
 * call is the one evaluated.
 */
function stepsToEvaluation({ target, evalEvery, steps }: LoopOptions, step: number): number {
  if (target === undefined) return MOST_STEPS;
  const regular = evalEvery - (step % evalEvery);
  const last = steps - 1;
  return step < last ? Math.min(regular, last - step) : 1;
}

/** Whether an evaluation is due in some steps. */
function evaluates({ evalEvery, steps }: LoopOptions, step: number, count: number): boolean {
  return Math.ceil(step / evalEvery) * evalEvery < step + count || step + count >= steps;
}

/** Which step of the last call the run stands at: steps after a reached target are thrown away. */
function newestIn(stoppedBy: StopReason | undefined, count: number, bad: number): number {
  if (stoppedBy === 'target') return 0;
  return bad < 0 ? count - 1 : bad;
}

/** The evaluations among the first `count` steps of a call. */
function rowsOf(
  metrics: Readonly<Record<string, HostTensor>>,
  call: { readonly step: number; readonly count: number },
  schedule: Pick<LoopOptions, 'evalEvery' | 'steps'>,
): Evaluation[] {
  const value = (name: keyof typeof METRICS, i: number) =>
    (metrics[METRICS[name]] as HostTensor).data[i] as number;
  const rows: Evaluation[] = [];
  for (let i = 0; i < call.count; i++) {
    const epoch = call.step + i;
    if (!isEvaluated(epoch, schedule)) continue;
    rows.push({
      epoch,
      trainAccuracy: value('trainAccuracy', i),
      trainLoss: value('evaluatedTrainLoss', i),
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
  program: StepProgram<TrainState>,
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
