/**
 * @file Plotly without a browser: the real plotly.js in a jsdom document whose text is measured with the Open Sans fonts
 * that also draw the pixels, so that a label takes exactly the room Plotly reserved for it.
 *
 * Nothing of the machine shows: no system fonts, no clock, and Plotly's random element names start anew for every
 * figure, so the same figure gives the same bytes.
 */
import { readFileSync } from 'node:fs';
import { type Canvas, createCanvas, GlobalFonts } from '@napi-rs/canvas';
import { Resvg } from '@resvg/resvg-js';
import { JSDOM, VirtualConsole } from 'jsdom';
import seedrandom from 'seedrandom';
import type { Figure, Size } from './figure';
import { withPlainArrays } from './packed';
import { type Box, boxOf, type ElementLike, type MeasureText, textLength, textRuns } from './text-box';

/** Letter-like symbols, arrows, operators and mathematical alphabets, less those that Open Sans has: − ≤ ≥ ≈ ≠. */
const SYMBOLS = /(?![−≤≥≈≠])[\u2100-\u214f\u2190-\u23ff\u27c0-\u2aff\u{1d400}-\u{1d7ff}]/u;
const SYMBOLS_APART = new RegExp(`((?:${SYMBOLS.source})+)`, 'u');

/** Draws figures without a screen. */
export interface Renderer {
  /** The figure as an SVG document of the given size. */
  svg(figure: Figure, size: Size): Promise<string>;
  /** An SVG document as a PNG, `scale` pixels a CSS pixel. */
  png(svg: string, scale: number): Buffer;
  /** What Plotly's own schema finds wrong with a figure, one line each; empty for a valid one. */
  problems(figure: Figure): string[];
  /** The measurements that labels are placed by. */
  readonly measure: MeasureText;
}

/** The part of plotly.js used here. */
interface Plotly {
  toImage(
    figure: unknown,
    options: { format: 'svg'; width: number; height: number; imageDataOnly: true },
  ): Promise<string>;
  validate(data: unknown, layout: unknown): { msg: string }[] | undefined;
}

/** Names under which the fonts are measured; such that no system font bears. */
const MEASURED_FAMILY = 'optimal-grokking Open Sans';
const MEASURED_SYMBOLS = 'optimal-grokking Noto Sans Math';
const TEXT_FONTS = [
  '@expo-google-fonts/open-sans/400Regular/OpenSans_400Regular.ttf',
  '@expo-google-fonts/open-sans/400Regular_Italic/OpenSans_400Regular_Italic.ttf',
  '@expo-google-fonts/open-sans/600SemiBold/OpenSans_600SemiBold.ttf',
  '@expo-google-fonts/open-sans/700Bold/OpenSans_700Bold.ttf',
];
/** Holds what Open Sans lacks, such as ∘ and ≡. */
const SYMBOL_FONT = '@expo-google-fonts/noto-sans-math/400Regular/NotoSansMath_400Regular.ttf';

/** Loads plotly.js and the fonts (about a second) and returns a renderer, to be kept and reused. */
export function openRenderer(): Renderer {
  const textFonts = TEXT_FONTS.map((file) => require.resolve(file));
  const symbolFont = require.resolve(SYMBOL_FONT);
  const { window } = new JSDOM('<!doctype html><body></body>', {
    runScripts: 'outside-only',
    virtualConsole: new VirtualConsole(), // Plotly's chatter about features it does not find
  });
  window.URL.createObjectURL = () => '';
  const measure = measurer(textFonts, symbolFont);
  provideTextBoxes(window, measure);
  provideCanvas(window);
  const math = window.eval('Math') as Math;
  window.eval(readFileSync(require.resolve('plotly.js-dist-min'), 'utf8'));
  const plotly = (window as unknown as { Plotly: Plotly }).Plotly;
  const foreign = (value: unknown): unknown => window.JSON.parse(JSON.stringify(value));
  let queue: Promise<unknown> = Promise.resolve();

  return {
    measure,
    svg(figure, { width, height }) {
      const draw = () => {
        math.random = seedrandom('figure');
        return plotly.toImage(foreign(figure), { format: 'svg', width, height, imageDataOnly: true });
      };
      // One at a time: figures drawn side by side would share the stream of random names.
      const result = queue.then(draw, draw);
      queue = result.catch(() => undefined);
      return result;
    },
    png(svg, scale) {
      // The rasteriser knows only the older name for enlarging pictures cell by cell, and would blur a heat map.
      const prepared = withSymbolFont(svg, window, measure).replaceAll(
        /image-rendering:[^;"]*pixelated/g,
        'image-rendering: optimizeSpeed',
      );
      const fontFiles = [...textFonts, symbolFont];
      const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'Open Sans' };
      const options = { font, background: '#FFFFFF', fitTo: { mode: 'zoom', value: scale } as const };
      return new Resvg(prepared, options).render().asPng();
    },
    problems(figure) {
      const { data, layout } = withPlainArrays(figure); // the schema check does not know packed ones
      const found = plotly.validate(foreign(data), foreign(layout)) ?? [];
      return Array.from(found, ({ msg }) => msg);
    },
  };
}

/**
 * Names symbols their font. The rasteriser sets a whole line in another font where its own lacks a single character,
 * losing the weight; only pieces with a place of their own are set apart.
 */
function withSymbolFont(svg: string, window: JSDOM['window'], measure: MeasureText): string {
  if (!SYMBOLS.test(svg)) return svg;
  const document = new window.DOMParser().parseFromString(svg, 'image/svg+xml');
  for (const text of document.querySelectorAll('text')) {
    if (!SYMBOLS.test(text.textContent ?? '')) continue;
    const runs = textRuns(text, measure); // all of them before anything moves
    for (const element of [text, ...text.querySelectorAll('tspan')]) {
      for (const name of ['dx', 'dy']) element.removeAttribute(name);
    }
    for (const { node, x: start, y, font } of runs) {
      let x = start;
      const pieces = (node.textContent ?? '').split(SYMBOLS_APART).filter((piece) => piece !== '');
      const spans = pieces.map((piece) => {
        const span = document.createElementNS('http://www.w3.org/2000/svg', 'tspan');
        span.textContent = piece;
        span.setAttribute('x', String(x));
        span.setAttribute('y', String(y));
        const family = SYMBOLS.test(piece) ? "; font-family: 'Noto Sans Math'" : '';
        span.setAttribute('style', `text-anchor: start${family}`);
        x += measure(piece, font).width;
        return span;
      });
      (node as unknown as Text).replaceWith(...spans);
    }
  }
  return new window.XMLSerializer().serializeToString(document);
}

/** Measures text with the given font files, symbols that are not in the text fonts with the last. */
function measurer(textFonts: readonly string[], symbolFont: string): MeasureText {
  for (const file of textFonts) GlobalFonts.registerFromPath(file, MEASURED_FAMILY);
  GlobalFonts.registerFromPath(symbolFont, MEASURED_SYMBOLS);
  const context = createCanvas(1, 1).getContext('2d');
  return (text, { size, weight, italic }) => {
    context.font = `${italic ? 'italic ' : ''}${weight} ${size}px "${MEASURED_FAMILY}", "${MEASURED_SYMBOLS}"`;
    const {
      width,
      fontBoundingBoxAscent: ascent,
      fontBoundingBoxDescent: descent,
    } = context.measureText(text);
    return { width, ascent, descent };
  };
}

/** Answers the questions about sizes that Plotly asks of SVG elements. */
function provideTextBoxes(window: JSDOM['window'], measure: MeasureText): void {
  const rectangle = ({ left, top, right, bottom }: Box) => {
    const [width, height] = [right - left, bottom - top];
    return { x: left, y: top, left, top, right, bottom, width, height };
  };
  const box = function (this: ElementLike) {
    return rectangle(boxOf(this, measure));
  };
  Object.assign(window.SVGElement.prototype, {
    getBoundingClientRect: box,
    getBBox: box,
    getComputedTextLength(this: ElementLike) {
      return textLength(this, measure);
    },
  });
}

/** Gives `canvas` elements real pixels: Plotly paints a heat map on one and embeds it as a PNG. */
function provideCanvas(window: JSDOM['window']): void {
  const canvases = new WeakMap<object, Canvas>();
  const canvasOf = (element: { width: number; height: number }) => {
    const known = canvases.get(element);
    if (known && known.width === element.width && known.height === element.height) return known;
    const created = createCanvas(element.width, element.height);
    canvases.set(element, created);
    return created;
  };
  Object.assign(window.HTMLCanvasElement.prototype, {
    getContext(this: HTMLCanvasElement, kind: string) {
      return kind === '2d' ? canvasOf(this).getContext('2d') : null;
    },
    toDataURL(this: HTMLCanvasElement) {
      return `data:image/png;base64,${canvasOf(this).toBuffer('image/png').toString('base64')}`;
    },
  });
}
