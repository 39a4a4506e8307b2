/**
 * @file A model as a picture: its stages from top to bottom, lines around those whose result is added to what they were
 * given, a frame around what is repeated, and beside each stage the shape of what leaves it and its number of parameters.
 */
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import {
  box,
  fits,
  type Head,
  type Hover,
  heads,
  hovers,
  LINE,
  lines,
  type Point,
  rectangle,
  type StageKind,
  text,
  twoLines,
} from './diagram-shapes';
import type { Figure, Layout } from './figure';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** One box. */
export interface ModelStage {
  readonly kind: StageKind;
  readonly label: string;
  /** A second line, such as `4 heads of 32`. */
  readonly note?: string;
  /** The shape of what leaves it, such as `[n, 3, 128]`. */
  readonly shape?: string;
  /** How many numbers of it are trained. */
  readonly parameters?: number;
  /** What else it is given, beside what comes from above. Its parameters are there once, whatever is repeated around it. */
  readonly input?: { readonly label: string; readonly note?: string; readonly parameters?: number };
}

/** Stages whose result is added to what the first of them was given. */
export interface ResidualBranch {
  readonly residual: readonly ModelStage[];
}

/** A part of the model that is there several times, with parameters of its own each time. */
export interface RepeatedPart {
  readonly times: number;
  /** What one of them is called, such as `layer`. */
  readonly label: string;
  readonly parts: readonly (ModelStage | ResidualBranch)[];
}

/** A piece of a model, from top to bottom. */
export type ModelPart = ModelStage | ResidualBranch | RepeatedPart;

/** Choices for `modelDiagram`. */
export interface ModelDiagramOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. By default the number of parameters. */
  readonly subtitle?: string;
}

/** Pixels from the left edge of the drawing: where the columns are. */
const COLUMN = {
  input: 0,
  inputWidth: 132,
  box: 168,
  boxWidth: 264,
  detour: 458,
  shape: 500,
  parameters: 752,
};
/** Pixels down. */
const ROW = { box: 40, line: 26, gap: 18, inner: 14, plus: 9, frame: 12, columns: 18 };
const MARGIN = { side: 24, bottom: 16 };
/** Pixels around the drawing, for outlines. */
const ROOM = 2;
/** What has been drawn so far, and how far down. */
interface Drawing {
  y: number;
  readonly shapes: Layout[];
  readonly notes: Layout[];
  readonly lines: Point[][];
  readonly heads: Head[];
  readonly hovers: Hover[];
}

const CENTRE = COLUMN.box + COLUMN.boxWidth / 2;

/**
 * Draws a model from its parts. A residual line leaves above the first of its stages and comes back at a plus.
 *
 * @throws ArgumentError if there is no part, a number of parameters is negative, or a text does not fit its box.
 */
export function modelDiagram(parts: readonly ModelPart[], options: ModelDiagramOptions): Figure {
  const [first] = parts;
  if (first === undefined) throw new ArgumentError('there is no stage to draw, expected at least one');
  const count = parts.reduce((sum, part) => sum + parametersOf(part), 0);
  const width = COLUMN.parameters + 2 * MARGIN.side;
  const head = heading(
    options.title,
    options.subtitle ?? `${formatCount(count)} parameters`,
    COLUMN.parameters,
  );

  const drawing: Drawing = { y: ROW.columns, shapes: [], notes: [], lines: [], heads: [], hovers: [] };
  const caption = { font: { size: 11, color: COLOUR.muted } };
  drawing.notes.push(text('shape', { x: COLUMN.shape, y: 6 }, { xanchor: 'left', ...caption }));
  drawing.notes.push(text('parameters', { x: COLUMN.parameters, y: 6 }, { xanchor: 'right', ...caption }));
  drawAll(drawing, parts);

  const top = head.height + 14;
  const still = { fixedrange: true, visible: false };
  return {
    data: [lines(drawing.lines), heads(drawing.heads), hovers(drawing.hovers)],
    layout: {
      ...BASE_LAYOUT,
      width,
      height: Math.round(drawing.y + top + MARGIN.bottom),
      margin: { l: MARGIN.side - ROOM, r: MARGIN.side - ROOM, t: top - ROOM, b: MARGIN.bottom - ROOM },
      title: head.title,
      showlegend: false,
      hovermode: 'closest',
      xaxis: { ...still, range: [-ROOM, COLUMN.parameters + ROOM] },
      yaxis: { ...still, range: [drawing.y + ROOM, -ROOM] },
      shapes: drawing.shapes,
      annotations: [...head.subtitle(14), ...drawing.notes],
    },
  };
}

/** Parameters of a part that is there so many times. */
function parametersOf(part: ModelPart, times = 1): number {
  if ('parts' in part)
    return part.parts.reduce((sum, inner) => sum + parametersOf(inner, times * part.times), 0);
  if ('residual' in part) return part.residual.reduce((sum, stage) => sum + parametersOf(stage, times), 0);
  const { parameters = 0, label, input } = part;
  for (const [name, count] of [
    [label, parameters],
    [input?.label, input?.parameters ?? 0],
  ] as const) {
    if (!(count >= 0)) throw new ArgumentError(`'${name}' has ${count} parameters, expected 0 or more`);
  }
  return times * parameters + (input?.parameters ?? 0);
}

/** `2 × 66,048 + 9`: the stage's own, as often as it is there, and those of what it is given. */
function countText({ parameters, input }: ModelStage, times: number): string | undefined {
  const own = parameters && `${times > 1 ? `${times} × ` : ''}${formatCount(parameters)}`;
  const given = input?.parameters && formatCount(input.parameters);
  return own || given ? [own, given].filter(Boolean).join(' + ') : undefined;
}

/** A line down. */
function goDown(drawing: Drawing, distance: number): void {
  const from = { x: CENTRE, y: drawing.y };
  drawing.y += distance;
  drawing.lines.push([from, { x: CENTRE, y: drawing.y }]);
}

/** A line down to a box or a plus. */
function arrive(drawing: Drawing, distance: number): void {
  goDown(drawing, distance);
  drawing.heads.push({ x: CENTRE, y: drawing.y - 3, symbol: 'triangle-down' });
}

function drawAll(drawing: Drawing, parts: readonly ModelPart[], times = 1): void {
  parts.forEach((part, index) => {
    if (index > 0) {
      const connect = 'label' in part && !('parts' in part) ? arrive : goDown;
      connect(drawing, ROW.gap);
    }
    draw(drawing, part, times);
  });
}

function draw(drawing: Drawing, part: ModelPart, times: number): void {
  if ('parts' in part) drawRepeated(drawing, part);
  else if ('residual' in part) drawResidual(drawing, part, times);
  else drawStage(drawing, part, times);
}

function drawRepeated(drawing: Drawing, { times, label, parts }: RepeatedPart): void {
  const from = drawing.y;
  goDown(drawing, ROW.frame);
  drawAll(drawing, parts, times);
  goDown(drawing, ROW.frame);
  const left = COLUMN.box - 14;
  drawing.shapes.unshift(
    rectangle(
      { left, right: COLUMN.detour + 16, top: from, bottom: drawing.y },
      { fillcolor: '#FAFBFC', line: { color: LINE, width: 1, dash: 'dot' } },
    ),
  );
  const place = { x: left - 8, y: from + 10 };
  drawing.notes.push(
    text(`<b>${label}</b>${times > 1 ? ` (× ${times})` : ''}`, place, {
      xanchor: 'right',
      font: { size: 12 },
    }),
  );
}

function drawResidual(drawing: Drawing, { residual }: ResidualBranch, times: number): void {
  const fork = drawing.y;
  residual.forEach((stage, index) => {
    arrive(drawing, index === 0 ? ROW.gap : ROW.inner);
    drawStage(drawing, stage, times);
  });
  arrive(drawing, ROW.inner);
  const plus = drawing.y + ROW.plus;
  drawing.shapes.push({
    type: 'circle',
    x0: CENTRE - ROW.plus,
    x1: CENTRE + ROW.plus,
    y0: plus - ROW.plus,
    y1: plus + ROW.plus,
    fillcolor: COLOUR.paper,
    line: { color: COLOUR.ink, width: 1.2 },
    layer: 'above',
  });
  for (const [dx, dy] of [
    [4.5, 0],
    [0, 4.5],
  ] as const) {
    drawing.shapes.push({
      type: 'line',
      x0: CENTRE - dx,
      x1: CENTRE + dx,
      y0: plus - dy,
      y1: plus + dy,
      line: { color: COLOUR.ink, width: 1.4 },
      layer: 'above',
    });
  }
  drawing.lines.push([
    { x: CENTRE, y: fork },
    { x: COLUMN.detour, y: fork },
    { x: COLUMN.detour, y: plus },
    { x: CENTRE + ROW.plus, y: plus },
  ]);
  drawing.heads.push({ x: CENTRE + ROW.plus + 4, y: plus, symbol: 'triangle-left' });
  drawing.y = plus + ROW.plus;
}

function drawStage(drawing: Drawing, stage: ModelStage, times: number): void {
  const { kind, label, note, shape, input } = stage;
  fits(label, note, COLUMN.boxWidth);
  const height = note === undefined ? ROW.line : ROW.box;
  const middle = drawing.y + height / 2;
  drawing.shapes.push(
    box(
      { left: COLUMN.box, right: COLUMN.box + COLUMN.boxWidth, top: drawing.y, bottom: drawing.y + height },
      kind,
    ),
  );
  drawing.notes.push(text(twoLines(label, note), { x: CENTRE, y: middle }, {}));
  const count = countText(stage, times);
  if (shape !== undefined)
    drawing.notes.push(text(shape, { x: COLUMN.shape, y: middle }, { xanchor: 'left' }));
  if (count !== undefined)
    drawing.notes.push(text(count, { x: COLUMN.parameters, y: middle }, { xanchor: 'right' }));
  const facts = [shape, count === undefined ? undefined : `${count} parameters`].filter(Boolean);
  drawing.hovers.push({
    x: CENTRE,
    y: middle,
    text: [`<b>${label}</b>`, note, ...facts].filter(Boolean).join('<br>'),
  });
  if (input) {
    fits(input.label, input.note, COLUMN.inputWidth);
    const half = (input.note === undefined ? ROW.line : ROW.box) / 2;
    const right = COLUMN.input + COLUMN.inputWidth;
    drawing.shapes.push(
      box({ left: COLUMN.input, right, top: middle - half, bottom: middle + half }, 'data'),
    );
    const place = { x: COLUMN.input + COLUMN.inputWidth / 2, y: middle };
    drawing.notes.push(text(twoLines(input.label, input.note), place, {}));
    drawing.lines.push([
      { x: right, y: middle },
      { x: COLUMN.box, y: middle },
    ]);
    drawing.heads.push({ x: COLUMN.box - 4, y: middle, symbol: 'triangle-right' });
  }
  drawing.y += height;
}
