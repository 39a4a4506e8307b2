/** @file The paper's model as the released code saves it (github.com/openai/grok), or by the names that it has here. */
import type { HostTensor } from '../compile';
import { FileError } from '../errors';
import type { PowerModelConfig } from './config';
import { differenceAt, type ForeignFile, type ForeignModel, layersOf, matrixShape } from './foreign';
import { sinusoidalEncoding } from './positional-encoding';

/**
 * The released code saves the tables of its longest sequence beside the weights: they are checked, and not needed.
 * Sequences are as long as the hint says.
 */
export const powerForeign: ForeignModel<PowerModelConfig> = {
  mark: 'decoder.blocks.0.self_attn.Wo.weight',
  read(file, hint) {
    const { source } = file;
    checkTables(file);
    const { tensors, heads = hint.heads } = withJoinedHeads(file);
    const shape = (name: string) => matrixShape({ source, tensors }, name, 'power');
    const [vocabulary, dModel] = shape('embedding.weight');
    if (heads === undefined) {
      throw new FileError(`${source} does not say how many attention heads the model has; add --heads N`);
    }
    if (hint.heads !== undefined && hint.heads !== heads)
      throw new FileError(`${source} is a model of ${heads} heads, not ${hint.heads}; leave --heads out`);
    if (hint.sequenceLength === undefined)
      throw new FileError(`${source} does not say how many tokens a row has; give the hint sequenceLength`);
    const config = {
      model: 'power',
      vocabulary,
      sequenceLength: hint.sequenceLength,
      classes: shape('linear.weight')[0],
      dModel,
      heads,
      dFF: shape('decoder.blocks.0.ffn.ffn.0.weight')[0],
      layers: layersOf(tensors, 'decoder.blocks'),
      dropout: 0,
      answers: 1,
    } as const;
    return { config, tensors };
  },
};

/** @throws {FileError} for tables of another encoding or mask than the released code's */
function checkTables({ source, tensors }: ForeignFile): void {
  const check = (name: string, tableOf: (rows: number, columns: number) => HostTensor) => {
    const table = tensors.get(name);
    if (table === undefined) return;
    const [rows, columns] = matrixShape({ source, tensors }, name, 'power');
    if (differenceAt(table, tableOf(rows, columns)) !== undefined)
      throw new FileError(
        `'${name}' in ${source} is not the released code's, expected the weights of its model`,
      );
  };
  check('position_encoding', (length, width) => sinusoidalEncoding(length, width));
  check('self_attn_mask', (rows, columns) => ({
    dtype: 'float32',
    shape: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, (_, i) => (i % columns <= i / columns ? 1 : 0)),
  }));
}

/** A matrix of one head in the released code. */
const HEAD = /^(decoder\.blocks\.\d+\.self_attn)\.attn_heads\.(\d+)\.(W[qkv])\.weight$/;

/** The tensors without the tables, and with the matrices of the heads joined, the heads one below the other. */
function withJoinedHeads({ source, tensors: given }: ForeignFile): {
  readonly tensors: Map<string, HostTensor>;
  /** Where the file keeps them apart. */
  readonly heads?: number;
} {
  const tensors = new Map<string, HostTensor>();
  const parts = new Map<string, [head: number, matrix: HostTensor][]>();
  for (const [name, tensor] of given) {
    if (name === 'position_encoding' || name === 'self_attn_mask') continue;
    const [, block, head, kind] = HEAD.exec(name) ?? [];
    if (block === undefined) tensors.set(name, tensor);
    else {
      const joined = `${block}.${kind}.weight`;
      parts.set(joined, [...(parts.get(joined) ?? []), [Number(head), tensor]]);
    }
  }
  if (parts.size === 0) return { tensors };
  const heads = Math.max(...[...parts.values()].map((ofHeads) => ofHeads.length));
  for (const [name, ofHeads] of parts) {
    const matrices = ofHeads.sort(([a], [b]) => a - b).map(([, matrix]) => matrix);
    const [first] = matrices as [HostTensor];
    const alike = matrices.every(({ shape }) => shape.length === 2 && String(shape) === String(first.shape));
    if (!alike || matrices.length !== heads)
      throw new FileError(
        `${source} does not have ${heads} matrices of one shape for the heads of '${name}'`,
      );
    const data = new Float32Array(heads * first.data.length);
    matrices.forEach((matrix, head) => {
      data.set(matrix.data, head * first.data.length);
    });
    tensors.set(name, {
      dtype: 'float32',
      shape: [heads * (first.shape[0] as number), first.shape[1] as number],
      data,
    });
  }
  return { tensors, heads };
}
