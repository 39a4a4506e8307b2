/** @file Reference tensors made by PyTorch: see test/oracle/README.md. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { treeOfNames } from '../../lib/models/initialize';
import type { Params } from '../../lib/models/params';
import { decodeSafetensors, type StoredTensor } from '../../lib/train/safetensors';

/** A file of test/oracle by its name without extension. */
export function openOracle(name: string) {
  const path = new URL(`../oracle/${name}.safetensors`, import.meta.url);
  const { tensors } = decodeSafetensors(readFileSync(path), name);
  const tensor = (key: string): StoredTensor => {
    const found = tensors.get(key);
    if (found === undefined) throw new Error(`${name} has no tensor ${key}`);
    return found;
  };
  return {
    /** Names that begin with a prefix, without it. */
    names: (prefix: string) =>
      [...tensors.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
    numbers: (key: string): ArrayLike<number> => tensor(key).data as ArrayLike<number>,
    integers: (key: string) => Int32Array.from(tensor(key).data as BigInt64Array, Number),
    shape: (key: string) => [...tensor(key).shape],
  };
}

/** Matrices of the oracle's one-block GPT by the names they have here. */
export function parameterName(oracleName: string): string {
  return /^(q|k|v|head_out|ff1|ff2)$/.test(oracleName) ? `blocks.0.${oracleName}` : oracleName;
}

/** The oracle's GPT: 13 numbers, width 16, 4 heads. */
export const ORACLE_GPT = {
  vocabulary: 14,
  sequenceLength: 3,
  classes: 13,
  dModel: 16,
  heads: 4,
  dFF: 64,
  layers: 1,
};

/** The oracle's initial weights as float32 host tensors, by the names they have here. */
export function oracleWeights() {
  const oracle = openOracle('c_gpt');
  return oracle.names('w.').map((name) => {
    const data = Float32Array.from(oracle.numbers(`w.${name}`));
    return [
      parameterName(name),
      { dtype: 'float32' as const, shape: oracle.shape(`w.${name}`), data },
    ] as const;
  });
}

/** The same weights as eager tensors. */
export function oracleParams(): Params {
  return treeOfNames(
    oracleWeights().map(([name, { data, shape }]) => [name, tf.tensor(data, shape) as tf.Tensor] as const),
  );
}
