/**
 * @file A compiled step as a picture: a box a kernel, an arrow a tensor, the state on top and what the step returns at the
 * bottom. Meant for small graphs; a hundred boxes are still readable, a thousand are not.
 */
import { graphlib, layout } from '@dagrejs/dagre';
import type { Graph, GraphNode as Node, GraphValue as Value } from '../compile';
import { ArgumentError } from '../errors';
import type { Figure, Layout, Trace } from './figure';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** Choices for `programGraph`, all optional. */
export interface ProgramGraphOptions {
  /** Names of the graph's inputs, in order. Default `input 0`, … */
  readonly inputs?: readonly string[];
  /** Names of the graph's outputs, in order. Default `output 0`, … */
  readonly outputs?: readonly string[];
  /** The bold first line. By default the number of kernels. */
  readonly title?: string;
  /** A smaller second line. Default: what the colours mean. */
  readonly subtitle?: string;
}

/** Most boxes that are drawn. */
const MOST = 300;

/** What a box stands for, and its fill and outline. */
const KINDS = {
  terminal: { name: 'state and metrics', fill: '#FFFFFF', line: COLOUR.ink },
  constant: { name: 'constant', fill: '#F2F3F5', line: '#9AA1AA' },
  product: { name: 'matrix product', fill: '#FBE6D9', line: COLOUR.validation },
  elementwise: { name: 'element by element', fill: '#E4EFF8', line: COLOUR.train },
  reduction: { name: 'sum or other reduction', fill: '#DDF1E6', line: '#1F7A50' },
  movement: { name: 'only moves or selects', fill: '#F4F1E4', line: '#8A7D45' },
} as const;

type Kind = keyof typeof KINDS;

const OPS: Readonly<Partial<Record<Kind, ReadonlySet<string>>>> = {
  product: new Set(['BatchMatMul', 'MatMulAdd']),
  reduction: new Set([
    'Sum',
    'Mean',
    'Max',
    'Min',
    'Prod',
    'All',
    'Any',
    'ArgMax',
    'ArgMin',
    'UnsortedSegmentSum',
  ]),
  movement: new Set(
    'Reshape Transpose Slice StridedSlice Concat Pack Unpack SplitV Tile BroadcastTo PadV2 Reverse GatherV2 GatherNd Identity Cast'.split(
      ' ',
    ),
  ),
};

function kindOf({ op }: Node): Kind {
  const found = (Object.keys(OPS) as Kind[]).find((kind) => OPS[kind]?.has(op));
  return found ?? 'elementwise';
}

interface Box {
  readonly id: string;
  readonly kind: Kind;
  /** First line, bold. */
  readonly label: string;
  /** Second line. */
  readonly form: string;
  /** What a pointer on it shows. */
  readonly hover: string;
}

interface Arrow {
  readonly from: string;
  readonly to: string;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const TEXT = { size: 11, character: 6.4, line: 14 };
const MARGIN = { side: 16, bottom: 16 };
/** Pixels around the boxes, for their outlines. */
const ROOM = 2;
/** Width that a heading needs. */
const LEAST_WIDTH = 420;

/** `[3, 4]`, `scalar`. */
const shapeText = ({ shape }: Value) => (shape.length === 0 ? 'scalar' : `[${shape.join(', ')}]`);

/** A number in few characters, with a true minus. */
const numberText = (x: number) => String(Number(x.toPrecision(3))).replace('-', '−');

function constantText({ constant }: Value): string | undefined {
  return constant !== undefined && 'fill' in constant ? numberText(constant.fill) : undefined;
}

/** Boxes and arrows of a graph. Numbers that are the same everywhere are written into the box that uses them. */
function diagram(
  graph: Graph,
  { inputs = [], outputs = [] }: ProgramGraphOptions,
): { boxes: Box[]; arrows: Arrow[] } {
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const makers = new Map<Value, string>();
  const add = (kind: Kind, label: string, value: Value, hover = ''): string => {
    const id = String(boxes.length);
    const form = shapeText(value);
    boxes.push({ id, kind, label, form, hover: `<b>${label}</b><br>${value.dtype} ${form}${hover}` });
    return id;
  };
  const makerOf = (value: Value): string => {
    const known = makers.get(value);
    if (known !== undefined) return known;
    const made = add('constant', constantText(value) ?? 'constant', value);
    makers.set(value, made);
    return made;
  };
  graph.inputs.forEach((value, i) => {
    makers.set(value, add('terminal', inputs[i] ?? `input ${i}`, value));
  });
  for (const node of graph.nodes) {
    const numbers = node.inputs.flatMap((value) => constantText(value) ?? []);
    const label = [node.op, ...numbers].join(' ');
    const from = node.source === undefined ? '' : `<br>${node.source}`;
    const id = add(kindOf(node), label, node.outputs[0] as Value, from);
    for (const output of node.outputs) makers.set(output, id);
    for (const input of new Set(node.inputs))
      if (constantText(input) === undefined) arrows.push({ from: makerOf(input), to: id });
  }
  graph.outputs.forEach((value, i) => {
    const id = add('terminal', outputs[i] ?? `output ${i}`, value);
    arrows.push({ from: makerOf(value), to: id });
  });
  return { boxes, arrows };
}

interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

/** Where everything lies, in pixels from the top left. */
function place(boxes: readonly Box[], arrows: readonly Arrow[]) {
  const drawing = new graphlib.Graph();
  drawing.setGraph({ rankdir: 'TB', nodesep: 14, ranksep: 26 });
  for (const { id, label, form } of boxes) {
    const characters = Math.max(label.length, form.length);
    drawing.setNode(id, { width: Math.max(54, characters * TEXT.character + 16), height: 2 * TEXT.line + 8 });
  }
  for (const { from, to } of arrows) drawing.setEdge(from, to, {});
  layout(drawing);
  const { width = 0, height = 0 } = drawing.graph();
  const rectangle = (id: string) => drawing.node(id) as Rectangle;
  const line = ({ from, to }: Arrow): Point[] => {
    const inner = (drawing.edge(from, to) as { points: Point[] }).points.slice(1, -1);
    const [below, above] = [rectangle(from), rectangle(to)];
    const first = { x: within(below, inner[0]), y: below.y + below.height / 2 };
    const last = { x: within(above, inner.at(-1)), y: above.y - above.height / 2 };
    // Upright into the box, so that the arrow's head fits the line.
    return [first, ...inner, { x: last.x, y: last.y - 9 }, last];
  };
  return {
    width,
    height,
    boxes: boxes.map((box) => ({ ...box, ...rectangle(box.id) })),
    lines: arrows.map(line),
  };
}

/** Where a line that comes from, or goes to, a point meets the upper or lower side of a box. */
function within({ x, width }: Rectangle, point: Point | undefined): number {
  const reach = width / 2 - 8;
  return Math.min(Math.max(point?.x ?? x, x - reach), x + reach);
}

/**
 * Draws a graph from top to bottom. Constants that are one number stand in the box that uses them.
 *
 * @param graph For example the `graph` of a `Program`; blocks of conditions are drawn as one box.
 * @throws ArgumentError if it has more than 300 kernels.
 */
export function programGraph(graph: Graph, options: ProgramGraphOptions = {}): Figure {
  const count = graph.nodes.length;
  if (count > MOST)
    throw new ArgumentError(`the graph has ${count} kernels, expected at most ${MOST}; draw a smaller step`);
  const { boxes, arrows } = diagram(graph, options);
  const placed = place(boxes, arrows);
  const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => boxes.some((box) => box.kind === kind));
  const width = Math.round(Math.max(LEAST_WIDTH, placed.width + 2 * MARGIN.side));
  const legend = kinds.map((kind) => legendEntry(KINDS[kind])).join('  ');
  const head = heading(
    options.title ?? `${count} kernels`,
    options.subtitle ?? legend,
    width - 2 * MARGIN.side,
  );
  const top = head.height + 10;
  const height = Math.round(placed.height + top + MARGIN.bottom);
  const shift = (width - 2 * MARGIN.side - placed.width) / 2;
  const move = ({ x, y }: Point): Point => ({ x: x + shift, y });
  const still = { fixedrange: true, showgrid: false, zeroline: false, visible: false };
  return {
    data: [
      lines(placed.lines.map((points) => points.map(move))),
      heads(placed.lines.map((points) => move(points.at(-1) as Point))),
      targets(placed.boxes.map((box) => ({ ...move(box), hover: box.hover }))),
    ],
    layout: {
      ...BASE_LAYOUT,
      width,
      height,
      margin: { l: MARGIN.side - ROOM, r: MARGIN.side - ROOM, t: top - ROOM, b: MARGIN.bottom - ROOM },
      title: head.title,
      showlegend: false,
      hovermode: 'closest',
      xaxis: { ...still, range: [-ROOM, width - 2 * MARGIN.side + ROOM] },
      yaxis: { ...still, range: [placed.height + ROOM, -ROOM] },
      shapes: placed.boxes.map((box) => outline({ ...box, ...move(box) })),
      annotations: [...head.subtitle(12), ...placed.boxes.map((box) => caption({ ...box, ...move(box) }))],
    },
  };
}

/** A coloured square and a name, not to be broken into lines. */
function legendEntry({ name, line }: (typeof KINDS)[Kind]): string {
  return `<span style="color:${line}">■</span>\u00a0${name.replaceAll(' ', '\u00a0')}`;
}

function lines(paths: readonly (readonly Point[])[]): Trace {
  return {
    type: 'scatter',
    mode: 'lines',
    x: paths.flatMap((points) => [...points.map(({ x }) => x), null]),
    y: paths.flatMap((points) => [...points.map(({ y }) => y), null]),
    line: { color: '#9AA1AA', width: 1.2, shape: 'spline', smoothing: 0.6 },
    hoverinfo: 'skip',
  };
}

/** Arrow heads, where the lines end. */
function heads(ends: readonly Point[]): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: ends.map(({ x }) => x),
    y: ends.map(({ y }) => y - 3),
    marker: { symbol: 'triangle-down', size: 7, color: '#6B727B' },
    hoverinfo: 'skip',
  };
}

/** Invisible points in the boxes, for the pointer. */
function targets(points: readonly (Point & { readonly hover: string })[]): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    text: points.map(({ hover }) => hover),
    hovertemplate: '%{text}<extra></extra>',
    marker: { size: 24, opacity: 0 },
  };
}

interface Placed extends Box, Rectangle {}

function outline({ kind, x, y, width, height }: Placed): Layout {
  const { fill, line } = KINDS[kind];
  return {
    type: 'rect',
    x0: x - width / 2,
    x1: x + width / 2,
    y0: y - height / 2,
    y1: y + height / 2,
    fillcolor: fill,
    line: {
      color: line,
      width: kind === 'terminal' ? 1.8 : 1,
      ...(kind === 'constant' ? { dash: 'dot' } : {}),
    },
    layer: 'above',
  };
}

function caption({ label, form, x, y }: Placed): Layout {
  return {
    x,
    y,
    text: `<b>${label}</b><br><span style="color:${COLOUR.muted}">${form}</span>`,
    font: { size: TEXT.size },
    showarrow: false,
    borderpad: 0,
  };
}
