import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoopOptions, type LoopResult, trainLoop } from '../../lib/train/loop';
import type { Evaluation, TrainingProgress } from '../../lib/train/progress';
import type { TrainState } from '../../lib/train/state';
import { type FakeRun, fakeProgram, fakeState } from '../support/fake-program';

const stepOf = ({ step }: TrainState) => step.data[0] as number;

interface Plan {
  readonly steps: number;
  readonly evalEvery: number;
  readonly target?: LoopOptions['target'];
  readonly fake?: FakeRun;
}

/** Runs the loop on a clock of its own, on which a step takes a while and every call is short. */
async function run(plan: Plan, more: Partial<LoopOptions> = {}): Promise<LoopResult> {
  const { steps, evalEvery, target, fake = {} } = plan;
  let time = 0;
  const program = fakeProgram({
    ...fake,
    onRun: (count) => {
      time += 100 * count;
    },
  });
  return trainLoop({
    program,
    state: fakeState(evalEvery, steps),
    steps,
    evalEvery,
    now: () => time,
    ...(target === undefined ? {} : { target }),
    ...more,
  });
}

/** A run that is cut off after some checkpoint, and goes on from it with the evaluations before. */
async function runInTwo(plan: Plan, cut: number, callSeconds: number): Promise<LoopResult> {
  const rows: Evaluation[] = [];
  const kept: TrainState[] = [];
  const end = new Error('killed');
  const onCheckpoint = (state: TrainState) => {
    kept.push(state);
    if (stepOf(state) >= cut) throw end;
  };
  const first = await run(plan, {
    callSeconds,
    checkpointSeconds: 0,
    onEvaluations: (more) => void rows.push(...more),
    onCheckpoint,
  }).catch((error) => {
    if (error !== end) throw error;
    return undefined;
  });
  if (first !== undefined) return first;
  const state = kept.at(-1) as TrainState;
  const history = rows.filter(({ epoch }) => epoch < stepOf(state));
  return run(plan, { state, history });
}

/** A run that is told to stop after some step, and goes on from what it saved. */
async function runStopped(plan: Plan, cut: number, callSeconds: number): Promise<LoopResult> {
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => {
    if (step >= cut) controller.abort();
  };
  const first = await run(plan, { callSeconds, signal: controller.signal, onProgress });
  return first.stoppedBy === 'signal' ? run(plan, continued(plan, first)) : first;
}

/** A run of a smaller budget that is given the whole one: by its last checkpoint, or the one before if that is of the step before. */
async function runExtended(plan: Plan, cut: number, callSeconds: number): Promise<LoopResult> {
  const kept: TrainState[] = [];
  const onCheckpoint = (state: TrainState) => void kept.push(state);
  const steps = Math.max(1, Math.min(cut, plan.steps));
  const first = await run({ ...plan, steps }, { callSeconds, onCheckpoint });
  if (steps === plan.steps) return first;
  const before = kept.at(-2);
  const state = before !== undefined && stepOf(before) === steps - 1 ? before : first.state;
  return run(plan, continued(plan, { state, evaluations: first.evaluations }));
}

const continued = (
  { evalEvery, steps }: Plan,
  { state, evaluations }: Pick<LoopResult, 'state' | 'evaluations'>,
) => ({
  state,
  history: evaluations
    .filter(({ epoch }) => epoch < stepOf(state))
    .filter(({ epoch }) => epoch % evalEvery === 0 || epoch === steps - 1),
});

const outcome = ({ stoppedBy, state, evaluations, nanStep }: LoopResult) => ({
  stoppedBy,
  nanStep,
  params: state.params,
  step: stepOf(state),
  evaluations,
});

describe('a loop that goes on from a checkpoint', () => {
  it('ends as one that was never stopped: budget, target after evaluations in a row, or a loss that is NaN', async () => {
    const plan = fc.record({
      steps: fc.integer({ min: 1, max: 60 }),
      evalEvery: fc.integer({ min: 1, max: 12 }),
      evaluations: fc.option(fc.integer({ min: 1, max: 4 })),
      stepsAfter: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
      reached: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      nanAt: fc.option(fc.nat(59)),
      cut: fc.nat(60),
      callSeconds: fc.constantFrom(0, 0.3, 1, 10),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, evalEvery, evaluations, stepsAfter, ...how }) => {
        const { reached, nanAt, cut, callSeconds } = how;
        const whole: Plan = {
          steps,
          evalEvery,
          ...(evaluations === null ? {} : { target: { accuracy: 0.9, evaluations, stepsAfter } }),
          fake: {
            validationAccuracy: (step) => (reached[step] ? 0.95 : 0.5),
            loss: (step) => (step === nanAt ? Number.NaN : 1),
          },
        };
        const expected = outcome(await run(whole));
        for (const cutOff of [runInTwo, runStopped, runExtended])
          expect(outcome(await cutOff(whole, cut, callSeconds))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['a stop', runStopped],
    ['a larger budget', runExtended],
  ])('ends so where the loss is NaN at the very step of %s', async (_, cutOff) => {
    const plan: Plan = {
      steps: 30,
      evalEvery: 4,
      fake: { loss: (step) => (step === 12 ? Number.NaN : 1) },
    };
    for (const callSeconds of [0, 0.4]) {
      const expected = outcome(await run(plan));
      expect(expected).toMatchObject({ stoppedBy: 'nan', nanStep: 12, step: 11 });
      expect(outcome(await cutOff(plan, 12, callSeconds))).toEqual(expected);
    }
  });

  it('keeps the state whose own loss was the last finite one, however it is cut into calls', async () => {
    for (const callSeconds of [0, 0.2, 0.7, 100]) {
      const plan: Plan = {
        steps: 50,
        evalEvery: 10,
        fake: { loss: (step) => (step >= 37 ? Number.NaN : 1) },
      };
      const { stoppedBy, nanStep, state } = await run(plan, { callSeconds });
      expect({ stoppedBy, nanStep, step: stepOf(state) }).toEqual({
        stoppedBy: 'nan',
        nanStep: 37,
        step: 36,
      });
    }
  });

  it('counts the seconds before in what progress says, and not in its own', async () => {
    const elapsed: number[] = [];
    const { seconds } = await run(
      { steps: 20, evalEvery: 10 },
      { secondsBefore: 1000, onProgress: ({ elapsedSeconds }) => void elapsed.push(elapsedSeconds) },
    );
    expect(seconds).toBe(2);
    expect(elapsed.at(-1)).toBe(1002);
  });
});

describe('a loop that goes on for some steps after its target', () => {
  const reachedAt = (epoch: number, { evaluations = 1, ...plan }: Partial<Plan> & { evaluations?: number }) =>
    run({
      steps: 100,
      evalEvery: 10,
      fake: { validationAccuracy: (step) => (step >= epoch ? 0.95 : 0.5) },
      ...plan,
      target: { accuracy: 0.9, evaluations, stepsAfter: 25, ...plan.target },
    });
  const epochsOf = ({ evaluations }: LoopResult) => evaluations.map(({ epoch }) => epoch);

  it('stops by the target, that many updates after the evaluation that reached it', async () => {
    const result = await reachedAt(15, {});
    expect(outcome(result)).toMatchObject({ stoppedBy: 'target', step: 45 });
    expect(epochsOf(result)).toEqual([0, 10, 20, 30, 40]);
  });

  it('evaluates the state that it ends with where that is due', async () => {
    const result = await reachedAt(15, { target: { accuracy: 0.9, evaluations: 2, stepsAfter: 20 } });
    expect(outcome(result)).toMatchObject({ stoppedBy: 'target', step: 50 });
    expect(epochsOf(result)).toEqual([0, 10, 20, 30, 40, 50]);
    const same = await run({ steps: 50, evalEvery: 10 });
    expect(outcome(result).params).toEqual(outcome(same).params);
  });

  it('goes on though the accuracy falls again, and counts from the first time', async () => {
    const result = await reachedAt(0, {
      fake: { validationAccuracy: (step) => (step === 10 || step === 30 ? 0.95 : 0.5) },
    });
    expect(outcome(result)).toMatchObject({ stoppedBy: 'target', step: 35 });
  });

  it('never goes beyond the budget, and has used it where that ends no later', async () => {
    for (const steps of [32, 45]) {
      const result = await reachedAt(15, { steps });
      expect(outcome(result)).toMatchObject({ stoppedBy: 'steps', step: steps });
    }
    expect(outcome(await reachedAt(15, { steps: 46 }))).toMatchObject({ stoppedBy: 'target', step: 45 });
  });

  it('counts what is left to that end in what progress says, from the moment it is known', async () => {
    const seen: TrainingProgress[] = [];
    await run(
      {
        steps: 1000,
        evalEvery: 10,
        fake: { validationAccuracy: (step) => (step >= 55 ? 0.95 : 0.5) },
        target: { accuracy: 0.9, evaluations: 1, stepsAfter: 25 },
      },
      { onProgress: (progress) => void seen.push(progress) },
    );
    expect(seen.every(({ step, steps }) => steps === (step <= 60 ? 1000 : 85))).toBe(true);
    const known = seen.filter(({ steps }) => steps === 85);
    expect(known.at(-1)).toMatchObject({ step: 85, etaSeconds: 0 });
    // A step takes a tenth of a second on this clock.
    expect(known[0]?.etaSeconds).toBeCloseTo((85 - (known[0]?.step as number)) / 10, 6);
  });
});

describe('checkpoints', () => {
  it.each([
    ['short calls', 0.25],
    ['calls of a second', 1],
  ])('never lie further apart than two seconds of training, with %s', async (_, callSeconds) => {
    const saved: number[] = [];
    await run(
      { steps: 400, evalEvery: 1000 },
      { callSeconds, onCheckpoint: (state) => void saved.push(stepOf(state)) },
    );
    // A step takes a tenth of a second on this clock.
    const gaps = saved.map((step, i) => (step - (saved[i - 1] ?? 0)) / 10);
    expect(saved.at(-1)).toBe(400);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2);
    expect(saved.length).toBeLessThan(60);
  });

  it('allow for an evaluation that takes much longer than a step', async () => {
    const saved: number[] = [];
    let time = 0;
    let at = 0;
    const ends: number[] = [];
    const program = fakeProgram({
      onRun: (count) => {
        for (const end = at + count; at < end; at++) time += at % 40 === 0 ? 1500 : 50;
        ends[at] = time;
      },
    });
    await trainLoop({
      program,
      state: fakeState(40, 400),
      steps: 400,
      evalEvery: 40,
      now: () => time,
      onCheckpoint: () => void saved.push(time),
    });
    const gaps = saved.slice(1).map((moment, i) => moment - (saved[i] as number));
    // From the moment of one checkpoint to that of the next.
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2000);
  });

  it('come after every call where one takes longer', async () => {
    const saved: number[] = [];
    const plan = { steps: 100, evalEvery: 1000 };
    await run(plan, { callSeconds: 4, onCheckpoint: (state) => void saved.push(stepOf(state)) });
    const gaps = saved.slice(1).map((step, i) => step - (saved[i] as number));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(40);
  });
});

describe('the time left', () => {
  it.each([0, 50])(
    'is told from 2 s of training on, as if the first call had not been slow: from step %i',
    async (from) => {
      let [time, first] = [0, true];
      const program = fakeProgram({
        onRun: (count) => {
          time += 100 * count + (first ? 60_000 : 0);
          first = false;
        },
      });
      const told: [trained: number, eta: number, left: number][] = [];
      const start = fakeState(1000, 200);
      await trainLoop({
        program,
        state: { ...start, step: { ...start.step, data: Int32Array.of(from) } },
        secondsBefore: from,
        steps: 200,
        evalEvery: 1000,
        now: () => time,
        onProgress: ({ step, etaSeconds }) => told.push([step - from - 1, etaSeconds, 200 - step]),
      });
      for (const [steps, eta, left] of told) {
        if (steps < 20) expect(eta).toBe(Number.POSITIVE_INFINITY);
        else expect(eta).toBeCloseTo(left / 10, 9);
      }
      expect(told.some(([steps]) => steps < 20) && told.some(([steps]) => steps > 20)).toBe(true);
    },
  );
});
