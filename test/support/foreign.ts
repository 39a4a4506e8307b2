/** @file Reference weights as the files that their own frameworks would write. */
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  type TensorFile,
} from '../../lib/train/safetensors';
import { openOracle } from './oracle';

/** The tensors of a file, to be changed by a test. */
export type Tensors = Map<string, StoredTensor>;

export const float32 = (shape: readonly number[], numbers: ArrayLike<number>): StoredTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(numbers),
});

function weights(name: string): Tensors {
  const oracle = openOracle(name);
  return new Map(
    oracle.names('w.').map((key) => [key, float32(oracle.shape(`w.${key}`), oracle.numbers(`w.${key}`))]),
  );
}

/** Write-up 2's GPT by the names of tinygrad's `get_state_dict`, its single block unnumbered. */
export const gptTensors = () => weights('c_gpt');

/** Write-up 1's decoder by the names of PyTorch's `state_dict`, buffers included. */
export function decoderTensors(): Tensors {
  const oracle = openOracle('b_decoder');
  return weights('b_decoder').set('embed.pe', float32(oracle.shape('pe'), oracle.numbers('pe')));
}

/** The paper's model as the released code names its tensors: a matrix for each of the two heads, and tables for 10 tokens. */
export function powerTensors(): Tensors {
  const tensors: Tensors = new Map();
  for (const [name, tensor] of weights('power')) {
    const [, before, kind] = /^(.*self_attn)\.(W[qkv])\.weight$/.exec(name) ?? [];
    if (before === undefined) tensors.set(name, tensor);
    else {
      const data = tensor.data as Float32Array;
      [0, 1].forEach((head) => {
        tensors.set(
          `${before}.attn_heads.${head}.${kind}.weight`,
          float32([4, 8], data.subarray(32 * head, 32 * (head + 1))),
        );
      });
    }
  }
  const angle = (i: number) => Math.floor(i / 8) / 10_000 ** ((2 * Math.floor((i % 8) / 2)) / 8);
  const encoding = Array.from({ length: 80 }, (_, i) =>
    i % 2 === 0 ? Math.sin(angle(i)) : Math.cos(angle(i)),
  );
  const mask = Array.from({ length: 100 }, (_, i) => (i % 10 <= Math.floor(i / 10) ? 1 : 0));
  return tensors
    .set('position_encoding', float32([10, 8], encoding))
    .set('self_attn_mask', float32([10, 10], mask));
}

/** The file, read. */
export const fileOf = (tensors: Tensors): TensorFile => decodeSafetensors(encodeSafetensors(tensors));
