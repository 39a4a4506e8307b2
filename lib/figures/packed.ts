/**
 * @file Tables of small whole numbers, packed for a notebook: base64 of one or two bytes a cell instead of digits
 * and commas, which Plotly reads since 2.28 (so JupyterLab's renderer does), and unpacked again for older ones.
 *
 * @see https://github.com/plotly/plotly.js/pull/5230, the `bdata` form of typed arrays
 */
import type { Figure } from './figure';

/** A two-dimensional array in Plotly's packed form. */
export type Packed = {
  /** Unsigned, one or two bytes a cell, little endian. */
  readonly dtype: 'u1' | 'u2';
  readonly bdata: string;
  /** Rows and columns, as `113, 113`. */
  readonly shape: string;
};

/**
 * Packs a table.
 *
 * @param values whole numbers from 0 to 65535, a row after another
 * @param columns numbers in a row
 */
export function packed(values: ArrayLike<number>, columns: number): Packed {
  const cells = Array.from(values);
  const wide = cells.some((value) => value > 255);
  const bytes = wide ? cells.flatMap((value) => [value & 255, value >> 8]) : cells;
  const bdata = btoa(bytes.map((byte) => String.fromCharCode(byte)).join(''));
  return { dtype: wide ? 'u2' : 'u1', bdata, shape: `${cells.length / columns}, ${columns}` };
}

/** The rows of a packed table. */
export function unpacked({ dtype, bdata, shape }: Packed): number[][] {
  const bytes = Array.from(atob(bdata), (character) => character.charCodeAt(0));
  const cells =
    dtype === 'u1'
      ? bytes
      : Array.from(
          { length: bytes.length / 2 },
          (_, index) => (bytes[2 * index] ?? 0) + 256 * (bytes[2 * index + 1] ?? 0),
        );
  const [rows = 0, columns = 0] = shape.split(',').map(Number);
  return Array.from({ length: rows }, (_, row) => cells.slice(row * columns, (row + 1) * columns));
}

/** The same figure with its packed tables as plain nested arrays, for renderers that know nothing else. */
export function withPlainArrays(figure: Figure): Figure {
  return {
    ...figure,
    data: figure.data.map((trace) =>
      Object.fromEntries(
        Object.entries(trace).map(([name, value]) => [name, isPacked(value) ? unpacked(value) : value]),
      ),
    ),
  };
}

function isPacked(value: unknown): value is Packed {
  return typeof value === 'object' && value !== null && 'bdata' in value && 'shape' in value;
}
