import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pixelTable, windowTable } from '../../../../lib/compile/kernels/composed/windows';

const layer = (
  height: number,
  width: number,
  filter: number,
  stride: number,
  pad: 'same' | 'valid',
  dilation = 1,
) => tf.backend_util.computeConv2DInfo([1, height, width, 1], [filter, filter, 1, 1], stride, dilation, pad);

describe('windowTable', () => {
  it('lists the pixels of each window row by row', () => {
    expect([...windowTable(layer(3, 3, 2, 1, 'valid'))]).toEqual([
      0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8,
    ]);
  });

  it('leaves out pixels between those of a dilated window', () => {
    expect([...windowTable(layer(3, 3, 2, 1, 'valid', 2))]).toEqual([0, 2, 6, 8]);
  });

  it('gives the number after the last pixel for padding', () => {
    expect([...windowTable(layer(2, 2, 2, 2, 'same'))]).toEqual([0, 1, 2, 3]);
    expect([...windowTable(layer(1, 2, 2, 1, 'same'))]).toEqual([0, 1, 2, 2, 1, 2, 2, 2]);
  });
});

describe('pixelTable', () => {
  it('lists the first place that shows each pixel, then the second', () => {
    expect(pixelTable(Int32Array.of(0, 1, 1, 2, 3, 3), 3)).toEqual({
      width: 2,
      places: Int32Array.of(0, 1, 3, 6, 2, 6),
    });
  });

  it('is the inverse of the window table', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 30 }), (pixels) => {
        const { places } = pixelTable(Int32Array.from(pixels), 5);
        const shown = [...places].flatMap((place, i) => (place === pixels.length ? [] : [[place, i % 5]]));
        const expected = pixels.flatMap((pixel, place) => (pixel < 5 ? [[place, pixel]] : []));
        expect(shown.sort((a, b) => (a[0] as number) - (b[0] as number))).toEqual(expected);
      }),
    );
  });
});
