import { describe, expect, it } from 'vitest';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import type { PowerModelConfig } from '../../lib/models/config';
import { treeOfNames } from '../../lib/models/initialize';
import { predict } from '../../lib/models/predict';
import { createModel } from '../../lib/models/registry';
import { rejectionOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleWeights } from '../support/oracle';

const gpt = createModel({ model: 'gpt', ...ORACLE_GPT });
const weights = treeOfNames(oracleWeights());

describe('predict', () => {
  it('compiles once for any number of rows, and gives each its own logits', async () => {
    const oracle = openOracle('c_gpt');
    const [x, reference] = [oracle.integers('x'), oracle.numbers('f64.fixed.logits_last')];
    const rows = 40_001; // three calls, of which the last is not full
    const tokens = Int32Array.from({ length: 3 * rows }, (_, i) => x[i % x.length] as number);
    let opened = 0;
    const runtime = {
      ...onnxRuntimeNode,
      open: (...args: Parameters<typeof onnxRuntimeNode.open>) => {
        opened++;
        return onnxRuntimeNode.open(...args);
      },
    };
    const logits = await predict(gpt, weights, tokens, runtime, { threads: 1 });
    expect(opened).toBe(1);
    expect(logits.shape).toEqual([rows, 13]);
    const expected = Float64Array.from(
      { length: 13 * rows },
      (_, i) => reference[i % reference.length] as number,
    );
    expect(logits.data).toMatchReference(expected, 1e-5);
  });

  it('takes rows that are all alike, and a single one', async () => {
    const oracle = openOracle('c_gpt');
    const first = Array.from(oracle.numbers('f64.fixed.logits_last')).slice(0, 13);
    const row = [...oracle.integers('x').subarray(0, 3)];
    for (const rows of [1, 3]) {
      const tokens = Int32Array.from(Array.from({ length: rows }, () => row).flat());
      const { data } = await predict(gpt, weights, tokens, onnxRuntimeNode, { threads: 1 });
      expect(data).toMatchReference(Array.from({ length: rows }, () => first).flat(), 1e-5);
    }
  });

  it('puts the logits of two answers side by side', async () => {
    const oracle = openOracle('power');
    const config: PowerModelConfig = {
      model: 'power',
      vocabulary: 11,
      sequenceLength: 6,
      classes: 11,
      dModel: 8,
      heads: 2,
      dFF: 16,
      layers: 2,
      dropout: 0.5, // not in predictions
      answers: 2,
    };
    const params = treeOfNames(
      oracle.names('w.').map((name) => {
        const data = Float32Array.from(oracle.numbers(`w.${name}`));
        return [name, { dtype: 'float32' as const, shape: oracle.shape(`w.${name}`), data }] as const;
      }),
    );
    const tokens = oracle.integers('equation_eos.x');
    const logits = await predict(createModel(config), params, tokens, onnxRuntimeNode, { threads: 1 });
    expect(logits.shape).toEqual([6, 22]);
    expect(logits.data).toMatchReference(oracle.numbers('f64.equation_eos.logits'), 1e-5);
  });

  it('refuses an unknown token and an incomplete row', async () => {
    const refusal = (...tokens: number[]) =>
      rejectionOf(ArgumentError, predict(gpt, weights, Int32Array.from(tokens), onnxRuntimeNode));
    expect(await refusal(0, 1, 14)).toContain('14');
    expect(await refusal(0, 1)).toContain('rows of 3');
  });
});
