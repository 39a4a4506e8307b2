import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Figure } from '../../lib/figures/figure';
import { saveFigure, toPNG, toSVG } from '../../lib/figures/static.node';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'figures-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const line: Figure = {
  data: [{ type: 'scatter', mode: 'lines', x: [1, 2, 3], y: [1, 4, 9] }],
  layout: { width: 300, height: 200, title: { text: 'A <b>∘</b> B ≡ C' } },
};
/** Two by two cells without axes around them: black, white / white, black. */
const cells: Figure = {
  data: [
    {
      type: 'heatmap',
      z: [
        [0, 1],
        [1, 0],
      ],
      colorscale: [
        [0, '#000000'],
        [1, '#ffffff'],
      ],
      showscale: false,
    },
  ],
  layout: {
    width: 100,
    height: 100,
    margin: { l: 0, r: 0, t: 0, b: 0 },
    xaxis: { visible: false },
    yaxis: { visible: false },
  },
};

/** Width and height in a PNG's header. */
function dimensions(png: Uint8Array): [number, number] {
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

async function pixels(png: Buffer): Promise<{ at(x: number, y: number): number[] }> {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return { at: (x, y) => [...context.getImageData(x, y, 1, 1).data.slice(0, 3)] };
}

describe('toSVG', () => {
  it('draws at the size of the design, or the one asked for', async () => {
    expect(await toSVG(line)).toContain('width="300" height="200"');
    expect(await toSVG(line, { width: 420 })).toContain('width="420" height="200"');
  });

  it('keeps text as text and shares no name between figures', async () => {
    const svg = await toSVG(line);
    expect(svg).toContain('∘');
    expect(await toSVG({ ...line })).toBe(svg);
  });

  it('refuses sizes that are none', async () => {
    await expect(toSVG(line, { width: 12 })).rejects.toThrow(
      'width is 12, expected a whole number of pixels from 100 to 8000',
    );
    await expect(toSVG(line, { height: Number.NaN })).rejects.toThrow('height is NaN');
  });
});

describe('toPNG', () => {
  it('has the signature, and twice the pixels by default', async () => {
    const png = await toPNG(line);
    expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    expect(dimensions(png)).toEqual([600, 400]);
    expect(dimensions(await toPNG(line, { width: 200, height: 150, scale: 1 }))).toEqual([200, 150]);
  });

  it('gives the same bytes for the same figure', async () => {
    expect((await toPNG(line)).equals(await toPNG(structuredClone(line)))).toBe(true);
  });

  it('draws the cells of a heat map with hard edges', async () => {
    const { at } = await pixels(await toPNG(cells, { scale: 1 }));
    expect([at(25, 25), at(75, 25), at(25, 75), at(75, 75)]).toEqual([
      [255, 255, 255], // y runs upwards
      [0, 0, 0],
      [0, 0, 0],
      [255, 255, 255],
    ]);
    expect([at(48, 25), at(51, 25)]).toEqual([
      [255, 255, 255],
      [0, 0, 0],
    ]);
  });

  it('draws symbols that the text font lacks', async () => {
    const titled = (text: string): Figure => ({
      data: [],
      layout: { width: 200, height: 100, title: { text } },
    });
    const blank = await toPNG(titled('a   b'));
    expect((await toPNG(titled('a ∘ b'))).equals(blank)).toBe(false);
    expect((await toPNG(titled('a ∘ b'))).equals(await toPNG(titled('a ≡ b')))).toBe(false);
  });

  it('refuses a scale out of range', async () => {
    await expect(toPNG(line, { scale: 0 })).rejects.toThrow(
      'scale is 0, expected a number above 0 and at most 4',
    );
  });
});

describe('saveFigure', () => {
  it('goes by the extension', async () => {
    await saveFigure(line, join(folder, 'a.svg'));
    await saveFigure(line, join(folder, 'a.PNG'), { scale: 1 });
    expect(readFileSync(join(folder, 'a.svg'), 'utf8')).toMatch(/^<svg /);
    expect(dimensions(readFileSync(join(folder, 'a.PNG')))).toEqual([300, 200]);
  });

  it('refuses other formats and unwritable places, in one line', async () => {
    await expect(saveFigure(line, join(folder, 'a.pdf'))).rejects.toThrow(
      'expected one that ends in .svg or .png',
    );
    expect(existsSync(join(folder, 'a.pdf'))).toBe(false);
    await expect(saveFigure(line, join(folder, 'no', 'a.svg'))).rejects.toThrow(
      /^cannot write the figure .*ENOENT/,
    );
  });
});
