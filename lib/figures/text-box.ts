/**
 * @file The size of SVG text, computed from font metrics the way a browser lays it out.
 *
 * Plotly asks the document how large its labels are before it places legends and titles. A document without a screen
 * (jsdom) does not know; this module answers for the subset of SVG that Plotly writes: `text` and `tspan` with `x`, `y`,
 * `dx`, `dy`, `text-anchor` and inherited font properties, and groups moved by `translate`, `scale` and `rotate`.
 */

/** An axis-parallel rectangle, y downwards. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A font as far as measuring needs it; `weight` is 100 to 900. */
export interface Font {
  readonly size: number;
  readonly weight: number;
  readonly italic: boolean;
}

/** Width of one line of text and the font's ascent and descent, in pixels. */
export interface TextMetrics {
  readonly width: number;
  readonly ascent: number;
  readonly descent: number;
}

export type MeasureText = (text: string, font: Font) => TextMetrics;

/** What this module needs of a DOM element; a browser's and jsdom's `Element` both have it. */
export interface ElementLike {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: ArrayLike<ElementLike>;
  readonly parentNode: unknown;
  getAttribute?(name: string): string | null;
  readonly style?: { getPropertyValue(name: string): string };
}

const TEXT_NODE = 3;
const EMPTY: Box = { left: 0, top: 0, right: 0, bottom: 0 };

/** A piece of text in one font, and where it starts. */
export interface TextRun {
  readonly node: ElementLike;
  readonly x: number;
  /** The baseline. */
  readonly y: number;
  readonly font: Font;
}

/** What starts at an explicit `x`: usually a line. */
interface Line {
  box: Box;
  runs: TextRun[];
}

/**
 * The box around an element's text, in the coordinate system of its parent (its own `transform` applied). An element
 * without text has an empty box at the origin.
 */
export function boxOf(element: ElementLike, measure: MeasureText): Box {
  const name = element.nodeName.toLowerCase();
  const inner =
    name === 'text' || name === 'tspan'
      ? union(lines(element, measure).map((line) => line.box))
      : union(
          Array.from(element.childNodes, (child) => boxOf(child, measure)).filter((box) => box !== EMPTY),
        );
  return inner ? transformed(inner, element.getAttribute?.('transform') ?? '') : EMPTY;
}

/** The advance width of an element's text, all lines together. */
export function textLength(element: ElementLike, measure: MeasureText): number {
  return lines(element, measure).reduce((total, { box }) => total + box.right - box.left, 0);
}

/** The pieces of an element's text with their absolute places, in the element's own coordinate system. */
export function textRuns(element: ElementLike, measure: MeasureText): TextRun[] {
  return lines(element, measure).flatMap((line) => line.runs);
}

/** Lays the text out: first each line from its start, then shifted by its anchor. */
function lines(root: ElementLike, measure: MeasureText): Line[] {
  const finished: Line[] = [];
  let pen = { x: 0, y: 0 };
  let anchor = 'start';
  let line: Line | undefined;
  const close = () => {
    if (!line) return;
    const width = pen.x - line.box.left;
    const shift = anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0;
    finished.push({
      box: { ...line.box, left: line.box.left - shift, right: pen.x - shift },
      runs: line.runs.map((run) => ({ ...run, x: run.x - shift })),
    });
    line = undefined;
  };
  const write = (node: ElementLike, parent: ElementLike) => {
    const text = (node.textContent ?? '').replaceAll('\u200b', '');
    if (!text) return;
    const font = fontOf(parent);
    const { width, ascent, descent } = measure(text, font);
    const [top, bottom] = [pen.y - ascent, pen.y + descent];
    if (!line) {
      anchor = inherited(parent, 'text-anchor') || 'start';
      line = { box: { left: pen.x, right: pen.x, top, bottom }, runs: [] };
    }
    line.box = { ...line.box, top: Math.min(line.box.top, top), bottom: Math.max(line.box.bottom, bottom) };
    line.runs.push({ node, x: pen.x, y: pen.y, font });
    pen = { ...pen, x: pen.x + width };
  };
  const visit = (node: ElementLike, parent: ElementLike) => {
    if (node.nodeType === TEXT_NODE) {
      write(node, parent);
      return;
    }
    const x = Number.parseFloat(node.getAttribute?.('x') ?? '');
    const y = Number.parseFloat(node.getAttribute?.('y') ?? '');
    if (!Number.isNaN(x)) close();
    const size = () => fontOf(node).size;
    pen = {
      x: (Number.isNaN(x) ? pen.x : x) + length(node.getAttribute?.('dx'), size),
      y: (Number.isNaN(y) ? pen.y : y) + length(node.getAttribute?.('dy'), size),
    };
    for (const child of Array.from(node.childNodes)) visit(child, node);
  };
  visit(root, root);
  close();
  return finished;
}

/** The font in force at an element: its own properties, else its ancestors'. */
function fontOf(element: ElementLike): Font {
  const weight = inherited(element, 'font-weight');
  return {
    size: fontSize(element),
    weight: weight === 'bold' ? 700 : Number.parseInt(weight, 10) || 400,
    italic: inherited(element, 'font-style') === 'italic',
  };
}

function fontSize(element: ElementLike): number {
  const own = property(element, 'font-size');
  if (own.endsWith('px')) return Number.parseFloat(own);
  const outer = isElement(element.parentNode) ? fontSize(element.parentNode) : 12;
  if (own.endsWith('%')) return (outer * Number.parseFloat(own)) / 100;
  if (own.endsWith('em')) return outer * Number.parseFloat(own);
  return Number.parseFloat(own) || outer;
}

function inherited(element: ElementLike, name: string): string {
  const own = property(element, name);
  if (own) return own;
  return isElement(element.parentNode) ? inherited(element.parentNode, name) : '';
}

function property(element: ElementLike, name: string): string {
  return element.style?.getPropertyValue(name) || element.getAttribute?.(name) || '';
}

function isElement(node: unknown): node is ElementLike {
  return typeof node === 'object' && node !== null && 'getAttribute' in node;
}

function length(value: string | null | undefined, size: () => number): number {
  if (!value) return 0;
  return Number.parseFloat(value) * (value.endsWith('em') ? size() : 1) || 0;
}

function union(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}

/** The box around a box after an SVG `transform` attribute, whose operations apply from right to left. */
export function transformed(box: Box, transform: string): Box {
  const operations = [...transform.matchAll(/(translate|scale|rotate)\(([^)]*)\)/g)].reverse();
  let corners = [
    [box.left, box.top],
    [box.right, box.top],
    [box.left, box.bottom],
    [box.right, box.bottom],
  ] as [number, number][];
  for (const [, kind, list = ''] of operations) {
    const [a = 0, b, c] = list.split(/[\s,]+/).map(Number);
    if (kind === 'translate') corners = corners.map(([x, y]) => [x + a, y + (b ?? 0)]);
    else if (kind === 'scale') corners = corners.map(([x, y]) => [x * a, y * (b ?? a)]);
    else corners = corners.map((corner) => rotated(corner, a, b ?? 0, c ?? 0));
  }
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

function rotated([x, y]: [number, number], degrees: number, cx: number, cy: number): [number, number] {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos];
}
