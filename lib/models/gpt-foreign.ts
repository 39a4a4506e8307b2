/** @file Write-up 2's GPT as tinygrad saves it. */
import { FileError } from '../errors';
import type { GptModelConfig } from './config';
import { type ForeignModel, layersOf, matrixShape } from './foreign';

/** A file of a single block may leave out the prefix `blocks.0.`. */
function fullName(name: string): string {
  return /^(q|k|v|head_out|ff1|ff2)$/.test(name) ? `blocks.0.${name}` : name;
}

export const gptForeign: ForeignModel<GptModelConfig> = {
  mark: 'tok_embed',
  read({ source, tensors: given }, { heads }) {
    const tensors = new Map([...given].map(([name, tensor]) => [fullName(name), tensor]));
    const shape = (name: string) => matrixShape({ source, tensors }, name, 'gpt');
    const [vocabulary, dModel] = shape('tok_embed');
    if (heads === undefined) {
      throw new FileError(`${source} does not say how many attention heads the model has; add --heads N`);
    }
    const config = {
      model: 'gpt',
      vocabulary,
      sequenceLength: shape('pos_embed')[0],
      classes: shape('out')[1],
      dModel,
      heads,
      dFF: shape('blocks.0.ff1')[1],
      layers: layersOf(tensors, 'blocks'),
    } as const;
    return { config, tensors };
  },
};
