import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTree } from '../../lib/compile';
import { ArgumentError, FileError } from '../../lib/errors';
import { singularValues } from '../../lib/models/singular-values';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { sealed } from '../../lib/train/digest.node';
import { type LoopOptions, trainLoop } from '../../lib/train/loop';
import { prepareRun } from '../../lib/train/prepare';
import type { Evaluation } from '../../lib/train/progress';
import { decodeSafetensors } from '../../lib/train/safetensors';
import { encodeSpectrum, type Spectrum, type SpectrumSchedule, spectrumIn } from '../../lib/train/spectrum';
import { continuedSpectrum, readSpectrum } from '../../lib/train/spectrum.node';
import { nextRecorded, spectrumRecorder } from '../../lib/train/spectrum-recorder';
import { namedHostTensors, type TrainState } from '../../lib/train/state';
import { train } from '../../lib/train/train.node';
import { fakeProgram, fakeState } from '../support/fake-program';
import { messageOf, rejectionOf } from '../support/one-line';
import { spectrumOf } from '../support/spectrum';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const GPT: RunOptions = { modulus: 7, trainFraction: 0.5, dModel: 8, heads: 2, steps: 40, evalEvery: 7 };

/** The singular values of all matrices of a tree, by name. */
const valuesOf = (tree: HostTree) =>
  new Map(
    namedHostTensors(tree).map(([name, { shape, data }]) => [
      name,
      Float32Array.from(singularValues({ shape: shape as [number, number], data })),
    ]),
  );

describe('train with spectrumEvery', () => {
  it('records every matrix at the multiples and at the end, in a file too, which is read once the run has ended', async () => {
    const out = newFolder();
    const { spectrum, params } = await train(GPT, { threads: 1, spectrumEvery: 6, out });
    const { steps, matrices } = spectrum as Spectrum;
    expect(steps).toEqual([0, 6, 12, 18, 24, 30, 36, 40]);
    const recorded = (i: number) =>
      new Map(matrices.map(({ name, singularValues: rows }) => [name, rows[i]]));
    expect(recorded(0)).toEqual(valuesOf(prepareRun(runConfig(GPT)).initial.params));
    expect(recorded(7)).toEqual(valuesOf(params));
    expect(readSpectrum(join(out, 'spectrum.safetensors'))).toEqual(spectrum);
    const again = await train(GPT, { threads: 1, spectrumEvery: 6, out, resume: true, notify: () => {} });
    expect(again.spectrum).toEqual(spectrum);
    const lines: string[] = [];
    rmSync(join(out, 'spectrum.safetensors'));
    await train(GPT, { spectrumEvery: 6, out, resume: true, notify: (line) => void lines.push(line) });
    expect(lines.join()).toContain('singular values cannot be read');
  });

  it.each([
    [{ spectrumEvery: 0 }, 'spectrum-every is 0'],
    [{ spectrumEvery: 2.5 }, 'spectrum-every is 2.5'],
    [{ spectrumEvery: 10, spectrumDense: 10 }, 'spectrum-dense is 10'],
    [{ spectrumEvery: 10, spectrumDense: 0 }, 'spectrum-dense is 0'],
    [{ spectrumDense: 10 }, 'spectrum-dense is 10, but spectrum-every is not given'],
  ])('%j is refused before anything is written', async (settings, part) => {
    const out = newFolder();
    expect(await rejectionOf(ArgumentError, train(GPT, { out, ...settings }))).toContain(part);
    expect(existsSync(out)).toBe(false);
  });
});

/** A loop over a program of plain arithmetic, on a clock of its own, whose one parameter is recorded as a matrix. */
async function loop(
  schedule: SpectrumSchedule | undefined,
  more: Partial<LoopOptions> & {
    readonly before?: Spectrum;
    readonly kept?: (spectrum: Spectrum) => void;
  } = {},
) {
  const { before, kept, ...options } = more;
  let time = 0;
  const recorder =
    schedule &&
    spectrumRecorder({
      ...schedule,
      model: { shapes: new Map([['w', [1, 1]]]) },
      ...(before === undefined ? {} : { before }),
      ...(kept === undefined ? {} : { save: kept }),
    });
  const result = await trainLoop({
    program: fakeProgram({
      validationAccuracy: (step) => (step < 30 ? 0.2 : Math.min(1, 0.2 + (step - 30) / 20)),
      onRun: (count) => {
        time += 100 * count;
      },
    }),
    state: fakeState(4, 70),
    steps: 70,
    evalEvery: 4,
    now: () => time,
    checkpointSeconds: 0,
    ...options,
    ...(recorder === undefined ? {} : { observer: recorder }),
    onCheckpoint: (state, seconds) => {
      recorder?.save();
      options.onCheckpoint?.(state, seconds);
    },
  });
  return { params: result.state.params, evaluations: result.evaluations, spectrum: recorder?.spectrum() };
}

const stepOf = ({ step }: TrainState) => step.data[0] as number;

describe('a loop with a recorder', () => {
  it('gives the same numbers, and the same records however it is cut and wherever it was killed', async () => {
    const killed = new Error('killed');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 20 }),
        fc.boolean(),
        fc.nat(70),
        fc.constantFrom(0, 0.3, 1, 10),
        async (every, isDense, cut, callSeconds) => {
          const schedule = isDense ? { every, dense: Math.ceil(every / 3) } : { every };
          const plain = await loop(undefined);
          const whole = await loop(schedule);
          expect(whole.params).toEqual(plain.params);
          expect(whole.evaluations).toEqual(plain.evaluations);
          const steps = whole.spectrum?.steps as number[];
          for (let step = 0; step < 70; step += every) expect(steps).toContain(step);
          expect(steps.at(-1)).toBe(70);

          let saved: Spectrum | undefined;
          let state: TrainState | undefined;
          const rows: Evaluation[] = [];
          await loop(schedule, {
            callSeconds,
            kept: (spectrum) => {
              saved = spectrum;
            },
            onEvaluations: (more) => void rows.push(...more),
            onCheckpoint: (checkpoint) => {
              state = checkpoint;
              if (stepOf(checkpoint) >= cut) throw killed;
            },
          }).catch((error) => {
            if (error !== killed) throw error;
          });
          if (state === undefined || saved === undefined) throw new Error('nothing was saved');
          const from = stepOf(state);
          const path = join(root, 'saved.safetensors');
          writeFileSync(path, sealed(encodeSpectrum(saved)));
          const model = { shapes: new Map([['w', [1, 1]]]) };
          const { before, notices } = continuedSpectrum(path, from, { model, ...schedule });
          expect(notices).toEqual([]);
          const second = await loop(schedule, {
            state,
            history: rows.filter(({ epoch }) => epoch < from),
            ...(before === undefined ? {} : { before }),
          });
          expect(second.spectrum).toEqual(whole.spectrum);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('is closer where validation accuracy moves', async () => {
    const { spectrum } = await loop({ every: 10, dense: 5 });
    expect(spectrum?.steps).toEqual([0, 10, 20, 30, 40, 45, 50, 55, 60, 65, 70]);
  });
});

describe('what a run that goes on takes from its file', () => {
  const model = { shapes: new Map([['a', [2, 2]]]) };
  const recorded: Spectrum = {
    ...spectrumOf([0, 6, 12, 18, 24], {
      a: [
        [5, 1],
        [4, 1],
        [3, 1],
        [2, 1],
        [1, 1],
      ],
    }),
    schedule: { every: 6 },
  };
  const file = (content: string | Uint8Array) => {
    const path = join(root, `spectrum-${folders++}.safetensors`);
    writeFileSync(path, content);
    return path;
  };
  const whole = sealed(encodeSpectrum(recorded));

  it('is what was recorded before its step', () => {
    const { before, notices } = continuedSpectrum(file(whole), 18, { model, every: 6 });
    expect(before?.steps).toEqual([0, 6, 12]);
    expect(before?.matrices[0]?.singularValues.map(([largest]) => largest)).toEqual([5, 4, 3]);
    expect(notices).toEqual([]);
  });

  it.each([
    ['missing', undefined, 'is missing'],
    ['cut off', whole.subarray(0, -5), 'not a whole'],
    ['changed', whole.map((byte, i) => (i === whole.length - 7 ? byte ^ 1 : byte)), 'is damaged'],
    ['of another model', sealed(encodeSpectrum(spectrumOf([0], { w: [[1]] }))), 'another model'],
    ['no such file', 'hello', 'is not a'],
    ['empty', '', 'is not a'],
  ])('is nothing where it is %s, and that is told in one line', (_, content, part) => {
    const path = content === undefined ? join(root, 'none.safetensors') : file(content);
    const { before, notices } = continuedSpectrum(path, 18, { model, every: 6 });
    expect(before).toBeUndefined();
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(path);
    expect(notices[0]).toContain(part);
    expect(notices[0]).toMatch(/: the singular values before step 18 are not recorded\.$/);
  });

  it('is told to have another spacing, or a gap', () => {
    const notices = (step: number, schedule: SpectrumSchedule) =>
      continuedSpectrum(file(whole), step, { model, ...schedule }).notices;
    expect(notices(24, { every: 10, dense: 5 })).toEqual([
      expect.stringMatching(
        /was recorded every 6 steps; the run goes on with every 10 steps, 5 where accuracy moves\.$/,
      ),
    ]);
    expect(notices(31, { every: 6 })).toEqual([
      expect.stringMatching(/has no singular values of steps after 24 and before 31\.$/),
    ]);
    expect(notices(30, { every: 6 })).toEqual([]);
  });
});

describe('the steps that are recorded', () => {
  const row = (epoch: number, validationAccuracy: number): Evaluation => ({
    epoch,
    trainAccuracy: 1,
    trainLoss: 0,
    validationAccuracy,
    validationLoss: 0,
  });

  it('are closer over the interval after one in which validation accuracy moved by two points', () => {
    const evaluations = [0, 25, 50, 75, 100, 125, 150, 175, 200].map((epoch) =>
      row(epoch, epoch <= 75 ? 0.2 : epoch <= 125 ? 0.3 : 0.31),
    );
    const steps: number[] = [];
    for (let step = -1; step < 300; ) {
      step = nextRecorded({ every: 50, dense: 20 }, step, evaluations);
      steps.push(step);
    }
    // Before 150, the newest evaluation is that of 125: 0.3, and 50 steps before it 0.2.
    expect(steps).toEqual([0, 50, 100, 150, 170, 190, 200, 250, 300]);
  });

  it('depend on the evaluations before them alone', () => {
    const evaluations = fc.array(fc.constantFrom(0.2, 0.21, 0.5, 0.99), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(evaluations, fc.nat(250), fc.integer({ min: 2, max: 60 }), (accuracies, step, every) => {
        const rows = accuracies.map((accuracy, i) => row(10 * i, accuracy));
        const schedule = { every, dense: Math.max(1, Math.floor(every / 3)) };
        const known = rows.filter(({ epoch }) => epoch < step);
        const next = nextRecorded(schedule, step, known);
        expect(nextRecorded(schedule, step, rows)).toBe(next);
        expect(next).toBeGreaterThan(step);
        expect(next - step).toBeLessThanOrEqual(every);
      }),
    );
  });
});

describe('the file of singular values', () => {
  const spectrum = spectrumOf([0, 10, 15], {
    a: [
      [2, 1],
      [3, 0.5],
      [Number.NaN, Number.NaN],
    ],
    b: [[1], [0], [2]],
  });

  it('holds them compactly, by name, and gives them back', () => {
    const encoded = encodeSpectrum(spectrum);
    expect(spectrumIn(decodeSafetensors(encoded), 'x')).toEqual(spectrum);
    const { tensors } = decodeSafetensors(encoded);
    expect(tensors.get('a')).toMatchObject({ dtype: 'F32', shape: [3, 2] });
    expect(tensors.get('steps')).toMatchObject({ dtype: 'I32', shape: [3] });
  });

  it.each([
    ['metadata', (file: { metadata: Record<string, string> }) => delete file.metadata.format],
    ['schedule', (file: { metadata: Record<string, string> }) => (file.metadata.schedule = '{"every":0}')],
    ['shapes', (file: { metadata: Record<string, string> }) => (file.metadata.shapes = '[["a",2]]')],
    ['a matrix', (file: { tensors: Map<string, unknown> }) => file.tensors.delete('a')],
    ['steps', (file: { tensors: Map<string, unknown> }) => file.tensors.delete('steps')],
    [
      'order',
      (file: { tensors: Map<string, unknown> }) =>
        file.tensors.set('steps', { dtype: 'I32', shape: [3], data: Int32Array.of(0, 10, 10) }),
    ],
  ])('is refused in one line where its %s is wrong', (_, spoil) => {
    const file = decodeSafetensors(encodeSpectrum(spectrum));
    spoil(file as never);
    expect(messageOf(FileError, () => spectrumIn(file, 'some.safetensors'))).toContain('some.safetensors');
  });
});

describe('spectrumRecorder', () => {
  it('saves where there is something new, and not twice', () => {
    const config = runConfig(GPT);
    const { initial } = prepareRun(config);
    let saves = 0;
    const recorder = spectrumRecorder({
      every: 5,
      model: { shapes: new Map([['out', [8, 7]]]) },
      save: () => {
        saves++;
      },
    });
    const at = (step: number) => ({ ...initial, step: { ...initial.step, data: Int32Array.of(step) } });
    recorder.save();
    expect(saves).toBe(0);
    recorder.see(at(0));
    recorder.see(at(5));
    recorder.save();
    recorder.save();
    expect(saves).toBe(1);
    // What comes after the state that a run ends with did not happen.
    recorder.see(at(4));
    expect(recorder.spectrum().steps).toEqual([0, 4]);
    recorder.save();
    expect(saves).toBe(2);
  });
});
