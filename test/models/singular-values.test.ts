import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { gptModel } from '../../lib/models/gpt-model';
import { type DenseMatrix, singularValues } from '../../lib/models/singular-values';
import { weightMatrices, weightMatrixShapes } from '../../lib/models/weight-matrices';
import { namedHostTensors } from '../../lib/train/state';
import { oracleDecoder } from '../support/decoder';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleWeights, parameterName } from '../support/oracle';

const oracle = openOracle('f_svd_householder');
const asMatrix = (file: ReturnType<typeof openOracle>, key: string): DenseMatrix => ({
  shape: file.shape(key) as [number, number],
  data: file.numbers(key),
});

/** Largest difference, as a share of σ₁. */
function error(matrix: DenseMatrix, expected: ArrayLike<number>): number {
  const found = singularValues(matrix);
  expect(found.length).toBe(expected.length);
  return (
    Math.max(...Array.from(found, (value, i) => Math.abs(value - (expected[i] as number)))) /
    (expected[0] as number)
  );
}

const values = fc
  .record({ rows: fc.integer({ min: 1, max: 7 }), columns: fc.integer({ min: 1, max: 7 }) })
  .chain(({ rows, columns }) =>
    fc
      .array(fc.double({ min: -10, max: 10, noNaN: true }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      })
      .map((data): DenseMatrix => ({ shape: [rows, columns], data })),
  );

const transposed = ({ shape: [rows, columns], data }: DenseMatrix): DenseMatrix => ({
  shape: [columns, rows],
  data: Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number,
  ),
});

/** Rotates two rows into each other: an orthogonal matrix times this one. */
function rotated(
  { shape: [rows, columns], data }: DenseMatrix,
  angle: number,
  one: number,
  other: number,
): DenseMatrix {
  const result = Array.from(data);
  if (one % rows === other % rows) return { shape: [rows, columns], data: result };
  for (let j = 0; j < columns; j++) {
    const [a, b] = [(one % rows) * columns + j, (other % rows) * columns + j];
    const [x, y] = [data[a] as number, data[b] as number];
    result[a] = Math.cos(angle) * x - Math.sin(angle) * y;
    result[b] = Math.sin(angle) * x + Math.cos(angle) * y;
  }
  return { shape: [rows, columns], data: result };
}

describe('singularValues', () => {
  it("gives PyTorch's, of square, wide and long matrices, to the last digits", () => {
    const names = oracle.names('svals.');
    expect(names.length).toBe(9);
    const weights = openOracle('c_gpt');
    const trained = openOracle('d_gpt_traj');
    for (const name of names) {
      expect(error(asMatrix(weights, `w.${name}`), oracle.numbers(`svals.${name}`))).toBeLessThan(1e-14);
      expect(
        error(asMatrix(trained, `f64.adamw.final.${name}`), oracle.numbers(`svals_adamw10.${name}`)),
      ).toBeLessThan(1e-14);
    }
    for (const name of ['square8', 'rect10x6', 'few12'])
      expect(error(asMatrix(oracle, `hh.${name}.W`), oracle.numbers(`hh.${name}.svdvals_W`))).toBeLessThan(
        1e-14,
      );
  });

  it('keeps small ones that the Gram matrix would lose', () => {
    const diagonal = [1, 1e-6, 1e-10, 1e-12];
    const data = diagonal.flatMap((value, i) => diagonal.map((_, j) => (i === j ? value : 0)));
    let matrix: DenseMatrix = { shape: [4, 4], data };
    // Turned from both sides, so that no entry shows a singular value.
    for (const [one, other] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 3],
    ] as const)
      matrix = transposed(rotated(transposed(rotated(matrix, 0.7, one, other)), 1.1, other, one));
    const found = singularValues(matrix);
    diagonal.forEach((value, i) => {
      expect(Math.abs((found[i] as number) - value)).toBeLessThan(1e-15);
    });
  });

  it('is not changed by transposing or rotating, scales with the matrix, and has its norm and its trace', () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 6, noNaN: true }),
        fc.nat(6),
        fc.nat(6),
        (matrix, angle, one, other) => {
          const found = singularValues(matrix);
          const scale = Math.max(1, found[0] as number);
          const same = (changed: DenseMatrix, factor = 1) =>
            singularValues(changed).forEach((value, i) => {
              expect(Math.abs(value - factor * (found[i] as number))).toBeLessThan(
                1e-13 * scale * Math.max(1, factor),
              );
            });
          same(transposed(matrix));
          same(rotated(matrix, angle, one, other));
          same({ ...matrix, data: Array.from(matrix.data, (value) => -3 * value) }, 3);
          expect([...found].sort((a, b) => b - a)).toEqual([...found]);
          expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
          const energy = Array.from(matrix.data).reduce((sum, value) => sum + value ** 2, 0);
          expect(Math.abs(found.reduce((sum, value) => sum + value ** 2, 0) - energy)).toBeLessThan(
            1e-11 * scale ** 2,
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is right where some or all numbers are as small as numbers can be', () => {
    expect([...singularValues({ shape: [2, 2], data: [5e-324, 2e-13, -5e-324, 0] })]).toEqual([2e-13, 0]);
    expect([...singularValues({ shape: [1, 2], data: [0, -5e-324] })]).toEqual([5e-324]);
    const [largest, least] = singularValues({ shape: [2, 2], data: [3e-300, 0, 0, -4e-300] });
    expect([largest, least]).toEqual([4e-300, 3e-300]);
  });

  it('of zeros are zeros, of what is not finite are not numbers', () => {
    expect([...singularValues({ shape: [2, 5], data: new Float32Array(10) })]).toEqual([0, 0]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      expect([...singularValues({ shape: [3, 1], data: [1, bad, 2] })]).toEqual([Number.NaN]);
    expect([...singularValues({ shape: [1, 2], data: Float32Array.of(3e38, 0) })][0]).toBeCloseTo(
      Math.fround(3e38),
      -30,
    );
  });

  it('refuses a shape that does not fit, in one line', () => {
    expect(messageOf(ArgumentError, () => singularValues({ shape: [2, 2], data: [1, 2, 3] }))).toContain(
      '[2, 2]',
    );
    expect(messageOf(ArgumentError, () => singularValues({ shape: [0, 2], data: [] }))).toContain('[0, 2]');
  });
});

describe('weightMatrices', () => {
  it('are all matrices of the GPT, with its numbers', () => {
    const model = gptModel({ model: 'gpt', ...ORACLE_GPT, init: 'paper' });
    const matrices = weightMatrices(model, model.init(3));
    expect(matrices.map(({ name }) => name)).toEqual([...model.shapes.keys()]);
    expect(
      oracleWeights()
        .map(([name]) => name)
        .sort(),
    ).toEqual(matrices.map(({ name }) => name).sort());
    expect(parameterName('q')).toBe(matrices[2]?.name);
    expect(weightMatrixShapes(model)).toEqual(matrices.map(({ name, shape }) => ({ name, shape })));
  });

  it("of write-up 1's decoder are without biases, packed ones in three, and without those that no gradient reaches", () => {
    const model = oracleDecoder('causal');
    const { dModel } = model.config;
    const matrices = weightMatrices(model, model.init(0));
    const ofLayer = [
      'self_attn.in_proj_weight.q',
      'self_attn.in_proj_weight.k',
      'self_attn.in_proj_weight.v',
      'self_attn.out_proj.weight',
      'multihead_attn.out_proj.weight',
      'linear1.weight',
      'linear2.weight',
    ];
    expect(matrices.map(({ name }) => name)).toEqual([
      'embed.weight',
      ...[0, 1].flatMap((layer) => ofLayer.map((name) => `decoder.layers.${layer}.${name}`)),
      'linear.weight',
    ]);
    const packed = new Map(namedHostTensors(model.init(0))).get('decoder.layers.0.self_attn.in_proj_weight');
    expect(matrices[2]?.shape).toEqual([dModel, dModel]);
    expect(matrices[2]?.data).toEqual(packed?.data.slice(dModel ** 2, 2 * dModel ** 2));
  });

  it('are without the additive mask, which is a parameter of rank 2', () => {
    const { shapes } = oracleDecoder('additive');
    expect(shapes.get('mask')).toHaveLength(2);
    const names = (mask: 'additive' | 'causal') =>
      weightMatrixShapes(oracleDecoder(mask)).map(({ name }) => name);
    expect(names('additive')).toEqual(names('causal'));
  });

  it.each(['causal', 'none'] as const)(
    'the decoder names those whose gradient PyTorch finds to be 0, mask %s',
    (mask) => {
      const decoder = openOracle('b_decoder');
      const zero = decoder
        .names(`f64.${mask}.grad.`)
        .filter((name) =>
          Array.from(decoder.numbers(`f64.${mask}.grad.${name}`)).every((value) => value === 0),
        );
      const { withoutGradient = [] } = oracleDecoder(mask);
      expect([...withoutGradient].sort()).toEqual(zero.sort());
      expect(withoutGradient).toHaveLength(6);
    },
  );
});
