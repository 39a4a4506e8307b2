import { describe, expect, it } from 'vitest';
import { decoderDiagram } from '../../lib/figures/decoder-diagram';
import { type ModelPart, modelDiagram } from '../../lib/figures/model-diagram';
import type { DecoderModelConfig } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { WRITE_UP_DECODER } from '../support/decoder';

const captions = ({ layout }: { layout: { readonly [name: string]: unknown } }) =>
  (layout.annotations as { text: string }[]).map(({ text }) => text);

describe('decoderDiagram', () => {
  it("counts the model's own parameters", () => {
    const shapes = [...decoderModel(WRITE_UP_DECODER).shapes.values()];
    const total = shapes.reduce((sum, shape) => sum + shape.reduce((size, side) => size * side, 1), 0);
    expect(captions(decoderDiagram(WRITE_UP_DECODER))[0]).toBe(
      `${total.toLocaleString('en')} parameters; n rows of 3 tokens`,
    );
    // All that is written beside the stages adds up to it, the mask's nine included.
    const counts = captions(decoderDiagram(WRITE_UP_DECODER)).filter((text) =>
      /^(\d × )?[\d,]+( \+ \d+)?$/.test(text),
    );
    const sum = counts
      .flatMap((text) => text.replaceAll(',', '').split(' + '))
      .map((term) => term.split(' × ').map(Number))
      .reduce((all, factors) => all + factors.reduce((a, b) => a * b, 1), 0);
    expect(sum).toBe(total);
    expect(counts).toContain('2 × 66,048 + 9');
    expect(captions(decoderDiagram(WRITE_UP_DECODER)).join('\n')).toContain('>9 parameters<');
  });

  it('shows what the variants are given', () => {
    const all = (differences: Partial<DecoderModelConfig>) =>
      captions(decoderDiagram({ ...WRITE_UP_DECODER, ...differences })).join('\n');
    expect(all({})).toContain('<b>additive mask</b>');
    expect(all({ mask: 'causal' })).toContain('<b>causal mask</b>');
    expect(all({ mask: 'none' })).not.toContain('mask');
    expect(all({ positions: 'learned' })).toContain('>trained<');
  });
});

describe('modelDiagram', () => {
  const stage: ModelPart = { kind: 'mlp', label: 'one', parameters: 10 };

  it('counts repeated parts as often as they are there', () => {
    const figure = modelDiagram(
      [stage, { times: 3, label: 'block', parts: [stage, { residual: [stage, stage] }] }],
      { title: 'Parts' },
    );
    expect(captions(figure)[0]).toBe('100 parameters');
    expect(captions(figure)).toContain('<b>block</b> (× 3)');
    expect(captions(figure).filter((text) => text === '3 × 10')).toHaveLength(3);
  });

  it('counts once what repeated parts are given together', () => {
    const shared: ModelPart = { ...stage, input: { label: 'shared', parameters: 4 } };
    const figure = modelDiagram([{ times: 3, label: 'block', parts: [shared] }], { title: 'Parts' });
    expect(captions(figure)[0]).toBe('34 parameters');
    expect(captions(figure)).toContain('3 × 10 + 4');
    const less: ModelPart = { ...stage, input: { label: 'shared', parameters: -4 } };
    expect(() => modelDiagram([less], { title: '' })).toThrow("'shared' has -4 parameters");
  });

  it('refuses what it cannot draw, in one line', () => {
    expect(() => modelDiagram([], { title: '' })).toThrow('there is no stage to draw');
    expect(() => modelDiagram([{ ...stage, parameters: -1 }], { title: '' })).toThrow(
      "'one' has -1 parameters",
    );
    const note = 'a note that is much longer than any box on the main line is wide';
    expect(() => modelDiagram([{ ...stage, note }], { title: '' })).toThrow('is too long for its box');
  });
});
