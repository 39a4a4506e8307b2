/** @file Write-up 1's decoder drawn: its stages with their shapes and parameters, counted on the model itself. */
import type { DecoderModelConfig } from '../models/config';
import { decoderModel } from '../models/decoder';
import { formatCount } from '../train/number-format';
import type { Figure } from './figure';
import { type ModelDiagramOptions, type ModelStage, modelDiagram } from './model-diagram';

/**
 * Draws the decoder of the given sizes, n rows of tokens at the top and their logits at the bottom.
 *
 * @param options the heading; by default the decoder's sizes and its number of parameters
 * @throws ArgumentError for a size out of range
 */
export function decoderDiagram(
  config: DecoderModelConfig,
  options: Partial<ModelDiagramOptions> = {},
): Figure {
  const { vocabulary, sequenceLength, classes, dModel, heads, dFF, layers, mask, positions, answers } =
    config;
  const { shapes } = decoderModel(config);
  const sizes = [...shapes].map(([name, shape]): [string, number] => [
    name,
    shape.reduce((size, side) => size * side, 1),
  ]);
  const count = (prefix: string) =>
    sizes.reduce((sum, [name, size]) => sum + (name.startsWith(prefix) ? size : 0), 0);
  const ofLayer = (...names: string[]) =>
    names.reduce((sum, name) => sum + count(`decoder.layers.0.${name}.`), 0);
  const stream = `[n, ${sequenceLength}, ${dModel}]`;
  const norm = (name: string): ModelStage => ({
    kind: 'norm',
    label: 'LayerNorm',
    shape: stream,
    parameters: ofLayer(name),
  });
  const masks = {
    none: {},
    causal: { input: { label: 'causal mask', note: '0 or −∞' } },
    additive: {
      input: {
        label: 'additive mask',
        note: `${formatCount(count('mask'))} parameters`,
        parameters: count('mask'), // one mask for all layers
      },
    },
  };
  return modelDiagram(
    [
      { kind: 'data', label: 'tokens', shape: `[n, ${sequenceLength}]` },
      {
        kind: 'embedding',
        label: 'embedding + position',
        note: `${vocabulary} tokens, ${dModel} numbers each`,
        shape: stream,
        parameters: count('embed.'),
        input: { label: 'positions', note: positions === 'learned' ? 'trained' : 'sines, cosines' },
      },
      {
        times: layers,
        label: 'layer',
        parts: [
          {
            residual: [
              norm('norm1'),
              {
                kind: 'attention',
                label: 'self-attention',
                note: `${heads} ${heads === 1 ? 'head' : 'heads'} of ${dModel / heads}`,
                shape: stream,
                parameters: ofLayer('self_attn'),
                ...masks[mask],
              },
            ],
          },
          {
            residual: [
              norm('norm2'),
              {
                kind: 'attention',
                label: 'cross-attention',
                note: 'to zeros: one constant vector',
                shape: stream,
                parameters: ofLayer('multihead_attn'),
                input: { label: 'memory', note: 'all zeros' },
              },
            ],
          },
          {
            residual: [
              norm('norm3'),
              {
                kind: 'mlp',
                label: 'feed-forward, ReLU',
                note: `${dModel} → ${dFF} → ${dModel}`,
                shape: stream,
                parameters: ofLayer('linear1', 'linear2'),
              },
            ],
          },
        ],
      },
      { kind: 'norm', label: 'LayerNorm', shape: stream, parameters: count('decoder.norm.') },
      {
        kind: 'head',
        label: 'head, at the answer',
        note: `${classes} classes, no bias`,
        shape: answers === 1 ? `[n, ${classes}]` : `[2n, ${classes}]`,
        parameters: count('linear.'),
      },
      { kind: 'data', label: 'logits' },
    ],
    {
      title:
        options.title ?? `The decoder: ${layers} ${layers === 1 ? 'layer' : 'layers'} of width ${dModel}`,
      subtitle:
        options.subtitle ??
        `${formatCount(sizes.reduce((sum, [, size]) => sum + size, 0))} parameters; n rows of ${sequenceLength} tokens`,
    },
  );
}
