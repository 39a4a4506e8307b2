import { beforeAll, describe, expect, it } from 'vitest';
import { CompileError, type HostTensor } from '../../lib/compile';
import { deviceOf } from '../../lib/compile/devices';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { FileError, TrainingError } from '../../lib/errors';
import { encodeCheckpoint } from '../../lib/train/checkpoint';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { runEnvironment } from '../../lib/train/environment.node';
import { prepareRun } from '../../lib/train/prepare';
import type { Evaluation, ProgressDisplay, TrainingProgress } from '../../lib/train/progress';
import { type FinishedRun, type RunSettings, requireFinite, runTraining } from '../../lib/train/run';
import { namedHostTensors } from '../../lib/train/state';
import { messageOf } from '../support/one-line';

const SMALL: RunOptions = { modulus: 11, trainFraction: 0.5, dModel: 16, steps: 60, evalEvery: 25, seed: 3 };

function run(options: RunOptions = {}, settings: Partial<RunSettings> & { threads?: number } = {}) {
  const { threads = 1, ...rest } = settings;
  return runTraining(runConfig({ ...SMALL, ...options }), deviceOf(onnxRuntimeNode), {
    environment: runEnvironment({ threads }),
    ...rest,
  });
}

const weightsOf = ({ params }: FinishedRun) =>
  namedHostTensors(params).map(([, { data }]) => data as Float32Array);

describe('a run', () => {
  let whole: FinishedRun;
  beforeAll(async () => {
    whole = await run();
  });

  it('evaluates before every 25th update and before the last', () => {
    expect(whole.evaluations.map(({ epoch }) => epoch)).toEqual([0, 25, 50, 59]);
    expect(whole.summary).toMatchObject({
      steps: 60,
      stoppedBy: 'steps',
      seed: 3,
      device: 'cpu',
      threads: 1,
    });
  });

  it('begins near chance: the first loss is about ln 11', () => {
    expect(whole.evaluations[0]?.trainLoss).toBeGreaterThan(Math.log(11) - 0.5);
    expect(whole.evaluations[0]?.trainLoss).toBeLessThan(Math.log(11) + 0.5);
  });

  it('does not depend on how it is cut into calls, bit for bit', async () => {
    const cut = await run({}, { callSeconds: 0 });
    expect(weightsOf(cut)).toEqual(weightsOf(whole));
    expect(cut.evaluations).toEqual(whole.evaluations);
  });

  it('does not depend on the number of threads, bit for bit', async () => {
    const options = { dModel: 64, modulus: 23, steps: 6, evalEvery: 3 };
    const [one, two] = [await run(options, { threads: 1 }), await run(options, { threads: 2 })];
    expect(weightsOf(two)).toEqual(weightsOf(one));
    expect(two.evaluations).toEqual(one.evaluations);
  });

  it('evaluates the parameters before the update: epoch k is what k steps leave', async () => {
    // The same 25 steps, then an evaluation of what they left as the first and last step of another run's schedule.
    const longer = await run({ steps: 26, evalEvery: 25 });
    expect(longer.evaluations.map(({ epoch }) => epoch)).toEqual([0, 25]);
    expect(longer.evaluations[1]).toEqual(whole.evaluations[1]);
  });

  it('measures the time of a step without evaluations, also where every step is evaluated', async () => {
    expect(whole.summary.msPerStep).toBeGreaterThan(0);
    expect((await run({ evalEvery: 1, steps: 8 })).summary.msPerStep).toBeGreaterThan(0);
  });
});

describe('stopping at a validation accuracy', () => {
  const EASY: RunOptions = {
    modulus: 17,
    trainFraction: 0.8,
    dModel: 32,
    learningRate: 1e-2,
    steps: 2000,
    seed: 0,
  };

  it('keeps the very parameters whose evaluation reached it', async () => {
    const target = 0.9;
    const stopped = await run({ ...EASY, stopAtAccuracy: target });
    expect(stopped.summary.stoppedBy).toBe('target');
    const last = stopped.evaluations.at(-1) as Evaluation;
    expect(last.validationAccuracy).toBeGreaterThanOrEqual(target);
    expect(stopped.evaluations.slice(0, -1).every((row) => row.validationAccuracy < target)).toBe(true);
    expect(stopped.summary.steps).toBe(last.epoch);
    const same = await run({ ...EASY, steps: last.epoch });
    expect(weightsOf(same)).toEqual(weightsOf(stopped));
  });

  it('waits for as many evaluations in a row as asked', async () => {
    const stopped = await run({ ...EASY, stopAtAccuracy: 0.9, stopEvaluations: 3 });
    expect(stopped.summary.stoppedBy).toBe('target');
    expect(stopped.evaluations.slice(-3).every((row) => row.validationAccuracy >= 0.9)).toBe(true);
  });
});

describe('what ends a run early', () => {
  it('a loss that is no longer a number: the last good state is kept and the step named', async () => {
    const saved: Uint8Array[] = [];
    const sink = {
      begin: () => {},
      saveSessions: () => {},
      appendMetrics: () => {},
      saveCheckpoint: (bytes: Uint8Array) => void saved.push(bytes),
      saveSummary: () => {},
    };
    const broken = await run({ learningRate: 1e30, weightDecay: 0 }, { sink });
    expect(broken.summary.stoppedBy).toBe('nan');
    expect(broken.summary.nanStep).toBeGreaterThan(0);
    expect(broken.summary.steps).toBeLessThan(broken.summary.nanStep as number);
    // The state that was kept is the last one whose own loss is a number: here the first, before any update.
    const untouched = namedHostTensors(prepareRun(broken.config).initial.params).map(([, { data }]) => data);
    expect(weightsOf(broken)).toEqual(untouched);
    expect(weightsOf(broken).every((data) => data.every(Number.isFinite))).toBe(true);
    expect(saved.at(-1)).toEqual(encodeCheckpoint(broken.state, broken.config));
    expect(broken.evaluations.every((row) => Number.isFinite(row.trainLoss))).toBe(true);
    const message = messageOf(TrainingError, () => requireFinite(broken));
    expect(message).toContain(`step ${broken.summary.nanStep}`);
    // Weights of 1e30 overflow in the first product of two of them.
    expect(message).toMatch(
      /\(at step \d+ the operation '\w+' on \(float32\[.*\) makes (NaN|Infinity) in \d+ elements? of its result float32\[.*; called at .*lib.(models|optim|train)/,
    );
  });

  it('a loss that is no longer a number, told also where its cause cannot be looked for', async () => {
    let summary: object | undefined;
    const sink = {
      begin: () => {},
      saveSessions: () => {},
      appendMetrics: () => {},
      saveCheckpoint: () => {},
      saveSummary: (value: object) => {
        summary = value;
      },
    };
    const device = deviceOf(onnxRuntimeNode);
    const failing = {
      ...device,
      async compile(...given: Parameters<typeof device.compile>) {
        const program = await device.compile(...given);
        program.findNonFinite = () => Promise.reject(new CompileError('no memory'));
        return program;
      },
    } as unknown as typeof device;
    const config = runConfig({ ...SMALL, learningRate: 1e30, weightDecay: 0 });
    const environment = runEnvironment({ threads: 1 });
    const broken = await runTraining(config, failing, { environment, sink });
    expect(broken.summary.stoppedBy).toBe('nan');
    expect(broken.summary.nanStep).toBeGreaterThan(0);
    expect(broken.summary).not.toHaveProperty('nanCause');
    expect(summary).toEqual(broken.summary);
  });

  it('an abort signal: after the call under way, with everything saved', async () => {
    const controller = new AbortController();
    const rows: Evaluation[] = [];
    let checkpoint: Uint8Array | undefined;
    let summary: object | undefined;
    const stopped = await run(
      { steps: 100_000 },
      {
        signal: controller.signal,
        callSeconds: 0.01,
        display: {
          update: ({ step }) => {
            if (step > 30) controller.abort();
          },
          finish: () => {},
          stop: () => {},
        },
        sink: {
          begin: () => {},
          saveSessions: () => {},
          appendMetrics: (more) => void rows.push(...more),
          saveCheckpoint: (bytes) => {
            checkpoint = bytes;
          },
          saveSummary: (value) => {
            summary = value;
          },
        },
      },
    );
    expect(stopped.summary.stoppedBy).toBe('signal');
    expect(stopped.summary.steps).toBeLessThan(2000);
    expect(rows).toEqual(stopped.evaluations);
    expect(checkpoint).toEqual(encodeCheckpoint(stopped.state, stopped.config));
    expect(summary).toEqual(stopped.summary);
  });
});

describe('an error while training', () => {
  it('is passed on, and the display lets go of the terminal', async () => {
    let stopped = 0;
    const display: ProgressDisplay = {
      update: () => {},
      finish: () => {},
      stop: () => {
        stopped++;
      },
    };
    const sink = {
      begin: () => {},
      saveSessions: () => {},
      appendMetrics: () => {
        throw new FileError('the disk is full');
      },
      saveCheckpoint: () => {},
      saveSummary: () => {},
    };
    await expect(run({}, { display, sink })).rejects.toThrow('the disk is full');
    expect(stopped).toBe(1);
  });
});

describe('progress', () => {
  it('never runs backwards, ends where the run ends, and shows the newest evaluation', async () => {
    const seen: TrainingProgress[] = [];
    let closing = '';
    const display: ProgressDisplay = {
      update: (progress) => void seen.push(progress),
      finish: (progress, line) => {
        seen.push(progress);
        closing = line;
      },
      stop: () => {},
    };
    const finished = await run({}, { display, callSeconds: 0 });
    const steps = seen.map(({ step }) => step);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ step: 60, steps: 60, evaluation: finished.evaluations.at(-1) });
    expect(closing).toBe('step budget used');
  });
});

describe('the state', () => {
  it('counts updates and keeps the optimiser’s moments for every parameter', async () => {
    const { state } = await run();
    expect((state.step as HostTensor).data[0]).toBe(60);
    const names = namedHostTensors(state.params).map(([name]) => name);
    const moments = namedHostTensors(state.optimizer).map(([name]) => name);
    expect(moments).toEqual(
      ['first', 'second'].flatMap((moment) => names.map((name) => `0.${moment}.${name}`)),
    );
  });
});
