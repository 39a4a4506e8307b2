import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import type { HostTensor, HostTree } from '../../lib/compile';
import { ArgumentError } from '../../lib/errors';
import { toTensors } from '../../lib/models/params';
import { createModel } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { singularValues } from '../../lib/models/singular-values';
import { svdMatrix } from '../../lib/models/svd-matrix';
import { loadModel } from '../../lib/train/checkpoint';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { readCheckpoint } from '../../lib/train/run-store.node';
import { namedHostTensors } from '../../lib/train/state';
import { train } from '../../lib/train/train.node';
import { grokIn, SMALL } from '../support/grok';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const GPT: RunOptions = {
  modulus: 7,
  trainFraction: 0.5,
  dModel: 4,
  heads: 2,
  steps: 40,
  evalEvery: 10,
  learningRate: 1e-2,
};

/** Nothing to compile: for runs of a few steps. */
const EAGER = { device: 'tfjs:cpu' } as const;

const root = temporaryFolder();

/** Singular values of the matrices that factors stand for, by name: of the products, not of what the factors say. */
function spectra(params: HostTree): Map<string, Float64Array> {
  const tensors = new Map(namedHostTensors(params));
  const names = [...tensors.keys()].flatMap((name) => (name.endsWith('.sigma') ? [name.slice(0, -6)] : []));
  return new Map(
    names.map((name) => {
      const [uVectors, vVectors, sigma] = ['u_vectors', 'v_vectors', 'sigma'].map((factor): tf.Tensor => {
        const { data, shape } = tensors.get(`${name}.${factor}`) as HostTensor;
        return tf.tensor(data, [...shape]);
      }) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      const matrix = svdMatrix({ uVectors, vVectors, sigma });
      return [name, singularValues({ shape: matrix.shape, data: matrix.dataSync() })];
    }),
  );
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
const initial = (options: RunOptions) => {
  const { seed, dModel, dFF, heads, layers } = runConfig(options);
  const sizes = { vocabulary: 8, sequenceLength: 3, classes: 7, dModel, dFF, heads, layers };
  return createModel({ model: 'gpt', ...sizes, factored: 'hidden', singularValues: 'sum' }).init(seed);
};

describe('a run with factored matrices', () => {
  it('moves all singular values, or keeps what its rule says, by the spectrum of the matrices', async () => {
    const rules = ['free', 'unit', 'largest', 'sum', 'norm', 'fixed'] as const;
    const options: RunOptions = { ...GPT, steps: 10, factored: 'hidden' };
    const runs = await Promise.all(
      rules.map(async (singularValues) =>
        spectra((await train({ ...options, singularValues }, EAGER)).params),
      ),
    );
    const before = spectra(initial(GPT));
    expect(before.size).toBe(6);
    const norm = (values: Float64Array) => Math.hypot(...values);
    const change = (value: number, start: number) => Math.abs(value / start - 1);
    for (const [name, start] of before) {
      const [free, unit, largest, fixedSum, fixedNorm, fixed] = runs.map((run) => run.get(name)) as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const first = start[0] as number;
      expect(change(sum(free), sum(start)), name).toBeGreaterThan(0.01);
      expect(unit[0], name).toBeCloseTo(1, 5);
      expect(change(sum(unit), sum(start) / first), name).toBeGreaterThan(1e-3);
      expect(change(largest[0] as number, first), name).toBeLessThan(1e-5);
      expect(change(sum(largest), sum(start)), name).toBeGreaterThan(1e-3);
      expect(change(sum(fixedSum), sum(start)), name).toBeLessThan(1e-5);
      expect(change(fixedSum[0] as number, first), name).toBeGreaterThan(1e-3);
      expect(change(norm(fixedNorm), norm(start)), name).toBeLessThan(1e-5);
      expect(change(fixedNorm[0] as number, first), name).toBeGreaterThan(1e-3);
      expect(fixed, name).toMatchReference(start, 1e-5);
    }
  });

  it.each(['free', 'undecayed'] as const)(
    '%s: what weight decay acts on, of the factors at most σ',
    async (singularValues) => {
      const once: RunOptions = { ...GPT, steps: 1, factored: 'hidden', singularValues };
      const [without, decayed] = await Promise.all(
        [0, 0.5].map((weightDecay) => train({ ...once, weightDecay }, EAGER)),
      );
      const kept = singularValues === 'free' ? /_vectors$/ : /_vectors$|\.sigma$/;
      const start = new Map(namedHostTensors(initial(GPT)));
      const expected = new Map(namedHostTensors(without?.params as HostTree));
      for (const [name, { data }] of namedHostTensors(decayed?.params as HostTree)) {
        const own = expected.get(name)?.data as Float32Array;
        if (kept.test(name)) expect(data, name).toEqual(own);
        else {
          const before = start.get(name)?.data as Float32Array;
          expect(data, name).toMatchReference(
            before.map((w, i) => (own[i] as number) - 5e-3 * w),
            1e-6,
          );
        }
      }
    },
  );

  it('continues as one that was never stopped', async () => {
    const options: RunOptions = {
      ...GPT,
      steps: 12,
      factored: 'hidden',
      singularValues: 'sum',
      batchSize: 8,
    };
    const files = (folder: string) =>
      ['metrics.csv', 'checkpoint.safetensors'].map((name) => readFileSync(join(root, folder, name), 'hex'));
    await train(options, { ...EAGER, out: join(root, 'whole') });
    const display = {
      update: ({ step }: { step: number }) => {
        if (step >= 5) throw new Error('killed');
      },
      finish: () => {},
      stop: () => {},
    };
    const settings = { ...EAGER, out: join(root, 'parts'), resume: true, notify: () => {} };
    const killed = train(options, { ...settings, callSeconds: 0, checkpointSeconds: 0, display });
    await expect(killed).rejects.toThrow('killed');
    await train(options, settings);
    expect(files('parts')).toEqual(files('whole'));
  });

  it('is trained and read by the command line', async () => {
    const grok = grokIn(root);
    const flags = '--d-model 4 --heads 2 --factored all --singular-values sum --out run'.split(' ');
    expect(await grok('train', ...SMALL, ...flags)).toMatchObject({ code: EXIT.done, err: '' });
    const config = JSON.parse(readFileSync(join(root, 'run', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ factored: 'all', singularValues: 'sum' });
    writeFileSync(join(root, 'rows.csv'), '1,2,11\n10,0,11\n');
    const { code, out, err } = await grok('predict', 'run/checkpoint.safetensors', '--tokens', 'rows.csv');
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    const { model, params } = loadModel(readCheckpoint(join(root, 'run', 'checkpoint.safetensors')), 'run');
    const logits = model.forward(
      toTensors(params),
      tokenBatch(Int32Array.from([1, 2, 11, 10, 0, 11]), 3, 12),
    );
    expect(out.trimEnd().split(/[\n,]/).map(Number)).toMatchReference(logits.dataSync(), 1e-5);
  });
});

describe('a configuration', () => {
  it('says nothing of factors where there are none, and the rule where there are', () => {
    expect(Object.keys(runConfig(GPT))).not.toEqual(expect.arrayContaining(['factored']));
    expect(Object.keys(runConfig(GPT))).not.toEqual(expect.arrayContaining(['singularValues']));
    expect(runConfig({ ...GPT, factored: 'all' })).toMatchObject({ factored: 'all', singularValues: 'free' });
  });

  it.each([
    [{ factored: 'some' as 'all' }, /factored is 'some', expected one of hidden, all/],
    [
      { factored: 'all', singularValues: 'small' as 'sum' },
      /singular-values is 'small', expected one of free, undecayed, unit, largest, sum, norm, fixed/,
    ],
    [{ singularValues: 'sum' }, /singular-values is 'sum', but no matrices are factored/],
    [
      { factored: 'hidden', optimizer: 'tgadamw' },
      /factored is 'hidden', but the optimiser 'tgadamw'.*take adamw or adam, or leave factored out/,
    ],
  ] as [RunOptions, RegExp][])('is refused in one line: %j', (options, expected) => {
    expect(messageOf(ArgumentError, () => runConfig({ ...GPT, ...options }))).toMatch(expected);
  });
});
