/**
 * @file Where attention looks, as small pictures side by side: a row of pictures for each model or mask, one for each head,
 * in each of them a row of cells for every query and a column for every key.
 */
import { ArgumentError } from '../errors';
import { SEQUENTIAL } from './colour-scales';
import type { Figure, Layout, Trace } from './figure';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** Attention weights of all heads, for one row of the figure. */
export interface AttentionRow {
  /** What distinguishes this row, such as a mask's name. */
  readonly label: string;
  /** Shape [heads, queries, keys], each from 0 to 1; those of a query sum to 1. */
  readonly weights: { readonly shape: readonly number[]; readonly data: ArrayLike<number> };
}

/** Choices for `attentionMaps`. */
export interface AttentionMapsOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. Default: how to read the pictures. */
  readonly subtitle?: string;
  /** The tokens in order, one a key, such as `['a', 'b', '=']`. With fewer queries than keys, the queries are the last ones. */
  readonly tokens: readonly string[];
  /** Names of the heads. Default `head 0`, … */
  readonly heads?: readonly string[];
}

/** Pixels: a cell's side at most, the room between pictures, and around all of them. */
const CELL = 46;
const GAP = { across: 34, down: 34 };
const MARGIN = { left: 20, right: 84, bottom: 46, labels: 26 };
const ROW_LABEL = { character: 7.2, gap: 44 };
/** Pixels that a colour bar with its name takes; lower figures do without, since every cell shows its number. */
const LEAST_COLOUR_BAR = 110;
/** Pixels that a heading needs. */
const LEAST_WIDTH = 420;
/** Pixels for all pictures of a row at most. */
const MOST_ACROSS = 700;

const READING = 'each row of cells: how a position divides its attention; the darker, the more';

/** One picture: the weights of a head, and where they stand, in pixels from the top left picture's corner. */
interface Picture {
  readonly name: string;
  /** [queries, keys] */
  readonly weights: readonly (readonly number[])[];
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws attention weights, all on one scale from 0 to 1.
 *
 * @throws ArgumentError if there is no row, the shapes do not agree, or a weight is not from 0 to 1.
 */
export function attentionMaps(rows: readonly AttentionRow[], options: AttentionMapsOptions): Figure {
  const { tokens } = options;
  const heads = check(rows, options);
  const names = options.heads ?? Array.from({ length: heads }, (_, head) => `head ${head}`);
  const longest = Math.max(...rows.map(({ label }) => label.length));
  const left = MARGIN.left + Math.ceil(longest * ROW_LABEL.character) + ROW_LABEL.gap;
  const room = MOST_ACROSS - left - GAP.across * (heads - 1);
  const cell = Math.min(CELL, Math.floor(room / heads / tokens.length));
  const pictures = place(rows, names, cell);
  const last = pictures.at(-1) as Picture;
  const size = { across: last.left + last.width, down: last.top + last.height };
  const width = Math.max(left + size.across + MARGIN.right, LEAST_WIDTH);
  const head = heading(options.title, options.subtitle ?? READING, width - MARGIN.left - 20);
  const top = head.height + MARGIN.labels;

  const note = (text: string, x: number, y: number, more: Layout): Layout => ({
    text,
    xref: 'paper',
    yref: 'paper',
    x: x / size.across,
    y: 1 - y / size.down,
    showarrow: false,
    borderpad: 0,
    ...more,
  });
  const firsts = pictures.filter((_, index) => index % heads === 0);
  return {
    data: pictures.map((picture, index) =>
      cells(picture, { index, tokens, withScale: index === 0 && size.down >= LEAST_COLOUR_BAR }),
    ),
    layout: {
      ...BASE_LAYOUT,
      width,
      height: top + size.down + MARGIN.bottom,
      margin: { l: left, r: width - left - size.across, t: top, b: MARGIN.bottom },
      title: { ...head.title, xref: 'container', x: MARGIN.left / width },
      ...Object.assign({}, ...pictures.map((picture, index) => axes(picture, { index, tokens, size }))),
      annotations: [
        ...head.subtitle(MARGIN.labels).map((text) => ({ ...text, xshift: MARGIN.left - left })),
        ...firsts.map(({ top, height }, row) =>
          note(`<b>${rows[row]?.label}</b>`, 0, top + height / 2, {
            xanchor: 'right',
            yanchor: 'middle',
            xshift: -ROW_LABEL.gap,
          }),
        ),
        ...pictures.slice(0, heads).map(({ left, width }, index) =>
          note(names[index] as string, left + width / 2, 0, {
            xanchor: 'center',
            yanchor: 'bottom',
            yshift: 6,
          }),
        ),
        note('attended to (key)', size.across / 2, size.down, {
          xanchor: 'center',
          yanchor: 'top',
          yshift: -24,
          font: { size: 12, color: COLOUR.muted },
        }),
      ],
    },
  };
}

/** The pictures of all rows, one row after another. */
function place(rows: readonly AttentionRow[], names: readonly string[], cell: number): Picture[] {
  let top = 0;
  return rows.flatMap(({ label, weights: { shape, data } }) => {
    const [heads = 0, queries = 0, keys = 0] = shape;
    const [width, height] = [keys * cell, queries * cell];
    const pictures = Array.from({ length: heads }, (_, head): Picture => {
      const table = Array.from({ length: queries }, (_, query) => {
        const start = (head * queries + query) * keys;
        return Array.from({ length: keys }, (_, key) => data[start + key] as number);
      });
      const name = `${label}, ${names[head]}`;
      return { name, weights: table, left: head * (width + GAP.across), top, width, height };
    });
    top += height + GAP.down;
    return pictures;
  });
}

/** Plotly's number of an axis: none for the first. */
const suffixOf = (index: number) => (index === 0 ? '' : String(index + 1));

const COLOUR_BAR = {
  title: { text: 'attention weight', side: 'right', font: { size: 12, color: COLOUR.muted } },
  thickness: 14,
  outlinewidth: 0,
  tickvals: [0, 0.5, 1],
  x: 1,
  xpad: 14,
  ypad: 0,
  len: 1,
};

/** One head's weights, with their numbers. */
function cells(
  { name, weights }: Picture,
  { index, tokens, withScale }: { index: number; tokens: readonly string[]; withScale: boolean },
): Trace {
  const queries = tokens.slice(-weights.length);
  return {
    type: 'heatmap',
    z: weights.map((row) => row.map((weight) => Number(weight.toFixed(3)))),
    zmin: 0,
    zmax: 1,
    colorscale: SEQUENTIAL,
    ...(withScale ? { colorbar: COLOUR_BAR } : { showscale: false }),
    xaxis: `x${suffixOf(index)}`,
    yaxis: `y${suffixOf(index)}`,
    xgap: 1,
    ygap: 1,
    text: weights.map((row) => row.map(shareText)),
    texttemplate: '%{text}',
    textfont: { size: 11 },
    customdata: queries.map((query) => tokens.map((key) => `${query} looks at ${key}`)),
    hovertemplate: `${name}: %{customdata}, %{z}<extra></extra>`,
  };
}

/** `.40`; `0` for what a mask hides. */
function shareText(weight: number): string {
  return weight === 0 ? '0' : weight.toFixed(2).replace(/^0/, '');
}

function axes(
  { left, top, width, height, weights }: Picture,
  options: { index: number; tokens: readonly string[]; size: { across: number; down: number } },
): Layout {
  const { index, tokens, size } = options;
  const suffix = suffixOf(index);
  const look = (labels: readonly string[]): Layout => ({
    tickmode: 'array',
    tickvals: labels.map((_, place) => place),
    ticktext: labels,
    ticks: '',
    ticklabelstandoff: 4,
    showgrid: false,
    zeroline: false,
  });
  return {
    [`xaxis${suffix}`]: {
      ...look(tokens),
      anchor: `y${suffix}`,
      domain: [left / size.across, (left + width) / size.across],
      range: [-0.5, tokens.length - 0.5],
    },
    [`yaxis${suffix}`]: {
      ...look(tokens.slice(-weights.length)),
      anchor: `x${suffix}`,
      domain: [1 - (top + height) / size.down, 1 - top / size.down],
      range: [weights.length - 0.5, -0.5],
    },
  };
}

/** The number of heads, if all is well. */
function check(rows: readonly AttentionRow[], { tokens, heads: names }: AttentionMapsOptions): number {
  const [first] = rows;
  if (!first) throw new ArgumentError('there are no attention weights to draw, expected at least one row');
  const [heads = 0] = first.weights.shape;
  for (const { label, weights } of rows) {
    const [count, queries = 0, keys] = weights.shape;
    const fits =
      count === heads && heads > 0 && keys === tokens.length && queries > 0 && queries <= tokens.length;
    if (weights.shape.length !== 3 || !fits || weights.data.length !== heads * queries * tokens.length) {
      throw new ArgumentError(
        `the weights of '${label}' have shape [${weights.shape.join(', ')}], expected [${heads || 'heads'}, queries, ${tokens.length}], one key a token`,
      );
    }
    const bad = Array.from(weights.data).find((weight) => !(weight >= 0 && weight <= 1 + 1e-6));
    if (bad !== undefined) {
      throw new ArgumentError(`a weight of '${label}' is ${bad}, expected a share from 0 to 1`);
    }
  }
  if (names && names.length !== heads) {
    throw new ArgumentError(`heads has ${names.length} names, expected ${heads}, one a head`);
  }
  return heads;
}
