/** @file Write-up 1's decoder as PyTorch saves it: the `state_dict` of its class `Transformer`. */
import type { HostTensor } from '../../compile';
import { FileError } from '../../errors';
import type { DecoderModelConfig } from '../config';
import { differenceAt, type ForeignModel, layersOf, matrixShape } from '../foreign';
import { sinusoidalEncoding } from '../positional-encoding';

/**
 * The class adds its `mask` to the attention scores, which is `--mask additive`. An encoding of positions that is not the
 * sinusoidal one is another function of the tokens: it is kept, as a learned table.
 */
export const decoderForeign: ForeignModel<DecoderModelConfig> = {
  mark: 'decoder.layers.0.self_attn.in_proj_weight',
  read(file, { heads, mask }) {
    const { source, tensors } = file;
    const shape = (name: string) => matrixShape(file, name, 'decoder');
    const [vocabulary, dModel] = shape('embed.weight');
    const [sequenceLength, width] = shape('embed.pe');
    if (heads === undefined || mask === undefined) {
      const missing = [
        ...(heads === undefined ? ['--heads N (write-up 1 has 4)'] : []),
        ...(mask === undefined ? ["--mask additive, causal or none (write-up 1's is additive)"] : []),
      ];
      throw new FileError(
        `${source} does not say all about the decoder's attention; add ${missing.join(' and ')}`,
      );
    }
    const encoding = tensors.get('embed.pe') as HostTensor;
    const isSinusoidal =
      width % 2 === 0 && differenceAt(encoding, sinusoidalEncoding(sequenceLength, width)) === undefined;
    const config = {
      model: 'decoder',
      vocabulary,
      sequenceLength,
      classes: shape('linear.weight')[0],
      dModel,
      heads,
      dFF: shape('decoder.layers.0.linear1.weight')[0],
      layers: layersOf(tensors, 'decoder.layers'),
      dropout: 0,
      mask,
      positions: isSinusoidal ? 'sinusoidal' : 'learned',
      answers: 1,
    } as const;
    return { config, tensors };
  },
};
