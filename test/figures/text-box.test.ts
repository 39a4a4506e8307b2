import { JSDOM } from 'jsdom';
import { describe, expect, it } from 'vitest';
import { type Box, boxOf, type ElementLike, type MeasureText, textLength } from '../../lib/figures/text-box';

/** Every character is half as wide as the font is high; bold ones as wide as high. */
const measure: MeasureText = (text, { size, weight }) => ({
  width: text.length * size * (weight >= 700 ? 1 : 0.5),
  ascent: size,
  descent: size / 4,
});

function element(markup: string): ElementLike {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`;
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window;
  return document.documentElement.firstElementChild as unknown as ElementLike;
}
const box = (markup: string): Box => boxOf(element(markup), measure);

describe('boxOf', () => {
  it('starts at x, y with the ascent above and the descent below', () => {
    expect(box('<text x="5" y="50" style="font-size: 20px">abcd</text>')).toEqual({
      left: 5,
      right: 45,
      top: 30,
      bottom: 55,
    });
  });

  it('follows the anchor', () => {
    expect(box('<text x="50" y="0" text-anchor="middle" font-size="20">abcd</text>')).toMatchObject({
      left: 30,
      right: 70,
    });
    expect(box('<text x="50" y="0" style="text-anchor: end; font-size: 20px">abcd</text>')).toMatchObject({
      left: 10,
      right: 50,
    });
  });

  it('joins lines, and pieces in other fonts', () => {
    const lines =
      '<text style="font-size:20px"><tspan x="0" y="20">ab</tspan><tspan x="0" y="20" dy="1.5em">abcd</tspan></text>';
    expect(box(lines)).toEqual({ left: 0, right: 40, top: 0, bottom: 55 });
    const power =
      '<text x="0" y="20" font-size="20">10<tspan style="font-size:50%" dy="-0.6em">-6</tspan></text>';
    expect(box(power)).toEqual({ left: 0, right: 30, top: 0, bottom: 25 });
    expect(
      box('<text x="0" y="0" font-size="20">a<tspan style="font-weight: bold">b</tspan></text>').right,
    ).toBe(30);
  });

  it('ignores the zero-width spaces that Plotly sets beside exponents', () => {
    expect(box('<text x="0" y="0" font-size="20">a\u200b</text>').right).toBe(10);
  });

  it('applies transforms, the last first', () => {
    const turned = box(
      '<text x="0" y="0" font-size="20" transform="translate(100,50) rotate(-90)">abcd</text>',
    );
    expect(turned.left).toBeCloseTo(80);
    expect(turned.right).toBeCloseTo(105);
    expect(turned.top).toBeCloseTo(10);
    expect(turned.bottom).toBeCloseTo(50);
    expect(box('<g transform="scale(2)"><text x="1" y="0" font-size="20">a</text></g>')).toMatchObject({
      left: 2,
      right: 22,
    });
  });

  it('is empty without text', () => {
    expect(box('<g><rect width="5" height="5"/></g>')).toEqual({ left: 0, top: 0, right: 0, bottom: 0 });
  });
});

describe('textLength', () => {
  it('adds the lines up', () => {
    expect(
      textLength(
        element('<text font-size="20"><tspan x="0">ab</tspan><tspan x="0">abcd</tspan></text>'),
        measure,
      ),
    ).toBe(60);
  });
});
