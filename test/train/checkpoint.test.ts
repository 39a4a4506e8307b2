import { describe, expect, it } from 'vitest';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { FileError } from '../../lib/errors';
import { predictGpt } from '../../lib/models/predict';
import { encodeCheckpoint, encodeParameters, loadGpt } from '../../lib/train/checkpoint';
import { runConfig } from '../../lib/train/config';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../lib/train/safetensors';
import { namedHostTensors } from '../../lib/train/state';
import { prepareRun } from '../../lib/train/step';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleWeights } from '../support/oracle';

const config = runConfig({ modulus: 7, dModel: 8, layers: 2, seed: 5 });
const { initial } = prepareRun(config);

/** The oracle's weights as a file made elsewhere, under the names of tinygrad's state dict. */
function foreignFile(change: (tensors: Map<string, StoredTensor>) => void = () => {}) {
  const tensors = new Map<string, StoredTensor>(
    oracleWeights().map(([name, { data, shape }]) => [name, { dtype: 'F32', shape, data }]),
  );
  change(tensors);
  return decodeSafetensors(encodeSafetensors(tensors));
}

describe('a checkpoint of ours', () => {
  it('holds the parameters under tinygrad’s names, the optimiser under optim., the step and the configuration', () => {
    const { tensors, metadata } = decodeSafetensors(encodeCheckpoint(initial, config));
    const names = [...tensors.keys()];
    expect(names.filter((name) => !name.startsWith('optim.')).sort()).toEqual(
      [
        'tok_embed',
        'pos_embed',
        'out',
        ...['q', 'k', 'v', 'head_out', 'ff1', 'ff2'].flatMap((name) => [
          `blocks.0.${name}`,
          `blocks.1.${name}`,
        ]),
      ].sort(),
    );
    expect(names.filter((name) => name.startsWith('optim.'))).toHaveLength(2 * 15);
    expect(metadata.step).toBe('0');
    expect(JSON.parse(metadata.config as string)).toEqual(config);
  });

  it('gives the same bytes for the same state', () => {
    expect(encodeCheckpoint(initial, config)).toEqual(encodeCheckpoint(prepareRun(config).initial, config));
  });

  it.each(['checkpoint', 'parameters alone'])('loads back: %s', (kind) => {
    const bytes =
      kind === 'checkpoint'
        ? encodeCheckpoint(initial, config)
        : encodeParameters(initial.params, config, 12);
    const { model, params } = loadGpt(decodeSafetensors(bytes), 'file');
    expect(model).toMatchObject({ vocabulary: 8, classes: 7, dModel: 8, dFF: 32, layers: 2, heads: 4 });
    expect(namedHostTensors(params)).toEqual(namedHostTensors(initial.params));
  });
});

describe('a file made elsewhere', () => {
  it('takes its sizes from the shapes and predicts PyTorch’s logits', async () => {
    const { model, params } = loadGpt(foreignFile(), 'file', { heads: 4 });
    expect(model).toEqual(ORACLE_GPT);
    const oracle = openOracle('c_gpt');
    const logits = await predictGpt(model, params, oracle.integers('x'), onnxRuntimeNode, { threads: 1 });
    expect(logits.shape).toEqual([169, 13]);
    expect(logits.data).toMatchReference(oracle.numbers('f64.fixed.logits_last'), 1e-5);
  });

  it('may leave out the prefix of its only block, and may hold float64', () => {
    const file = foreignFile((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        tensors.set(name.replace('blocks.0.', ''), {
          dtype: 'F64',
          shape: tensor.shape,
          data: Float64Array.from(tensor.data as Float32Array),
        });
      }
    });
    expect(namedHostTensors(loadGpt(file, 'file', { heads: 4 }).params)).toEqual(
      namedHostTensors(loadGpt(foreignFile(), 'file', { heads: 4 }).params),
    );
  });

  it('must be accompanied by the number of heads', () => {
    expect(messageOf(FileError, () => loadGpt(foreignFile(), 'w.safetensors'))).toContain('--heads');
  });

  it('without one of the parameters is refused by its name', () => {
    const file = foreignFile((tensors) => tensors.delete('blocks.0.v'));
    expect(messageOf(FileError, () => loadGpt(file, 'w.safetensors', { heads: 4 }))).toContain(
      "'blocks.0.v'",
    );
  });

  it('with a misshapen parameter is refused by its name and shapes', () => {
    const file = foreignFile((tensors) =>
      tensors.set('blocks.0.v', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }),
    );
    const message = messageOf(FileError, () => loadGpt(file, 'w.safetensors', { heads: 4 }));
    expect(message).toContain('[2, 3]');
    expect(message).toContain('[16, 16]');
  });

  it('of integers is refused', () => {
    const file = foreignFile((tensors) =>
      tensors.set('out', { dtype: 'I32', shape: [16, 13], data: new Int32Array(16 * 13) }),
    );
    expect(messageOf(FileError, () => loadGpt(file, 'w.safetensors', { heads: 4 }))).toContain('I32');
  });
});
