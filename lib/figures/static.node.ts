/**
 * @file The static outlet: a figure as an SVG or PNG, drawn in this process without a browser or a screen.
 */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { ArgumentError, FileError } from '../errors';
import { type Figure, type Size, sizeOf } from './figure';
import { openRenderer, type Renderer } from './plotly-renderer.node';

/** Size of a PNG. */
export interface PngOptions extends Partial<Size> {
  /** Picture pixels a CSS pixel, above 0 and at most 4. Default 2, sharp on a high-density screen. */
  readonly scale?: number;
}

/**
 * The figure as an SVG document. Text stays text, in Open Sans where the viewer has it.
 *
 * @param size pixels; by default the figure's own
 * @throws ArgumentError if a side is not a whole number of pixels from 100 to 8000.
 */
export async function toSVG(figure: Figure, size: Partial<Size> = {}): Promise<string> {
  return sharedRenderer().svg(figure, sizeOf(figure, size));
}

/**
 * The figure as the bytes of a PNG with a white background.
 *
 * @throws ArgumentError if a side or the scale is out of range.
 */
export async function toPNG(figure: Figure, options: PngOptions = {}): Promise<Buffer> {
  const { scale = 2 } = options;
  if (!(scale > 0 && scale <= 4)) {
    throw new ArgumentError(`scale is ${scale}, expected a number above 0 and at most 4`);
  }
  return sharedRenderer().png(await toSVG(figure, options), scale);
}

/**
 * Writes a figure to a file, as SVG or PNG by the path's extension.
 *
 * @throws ArgumentError for another extension; FileError if the file cannot be written.
 */
export async function saveFigure(figure: Figure, path: string, options: PngOptions = {}): Promise<void> {
  const extension = extname(path).toLowerCase();
  if (extension !== '.svg' && extension !== '.png') {
    throw new ArgumentError(`figure path is ${JSON.stringify(path)}, expected one that ends in .svg or .png`);
  }
  const content = extension === '.svg' ? await toSVG(figure, options) : await toPNG(figure, options);
  try {
    writeFileSync(path, content);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new FileError(
      `cannot write the figure ${path} (${reason}), expected a writable file in an existing folder`,
    );
  }
}

/** Loaded at the first static figure, then kept: it takes a second and holds no state between figures. */
const sharedRenderer: () => Renderer = (() => {
  let renderer: Renderer | undefined;
  return () => {
    renderer ??= openRenderer();
    return renderer;
  };
})();
