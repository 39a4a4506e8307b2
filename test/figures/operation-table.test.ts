import { describe, expect, it } from 'vitest';
import { sizeOf, titleOf } from '../../lib/figures/figure';
import { operationTable } from '../../lib/figures/operation-table';
import { type Packed, unpacked } from '../../lib/figures/packed';
import { renderer } from './renderer';
import { overlaps, places, texts } from './svg';

const addition = (modulus: number) =>
  Int32Array.from(
    { length: modulus ** 2 },
    (_, row) => (Math.floor(row / modulus) + (row % modulus)) % modulus,
  );

describe('operationTable', () => {
  it('puts a down and b across', () => {
    const [table] = operationTable({ modulus: 3, targets: [0, 1, 2, 3 % 3, 1, 2, 2, 2, 2] }).data;
    expect(unpacked(table?.z as Packed)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [2, 2, 2],
    ]);
  });

  it('covers the rows that are not in the training set', () => {
    const figure = operationTable({ modulus: 2, targets: addition(2), train: Int32Array.of(0, 3) });
    expect(unpacked(figure.data[1]?.z as Packed)).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(JSON.stringify(figure.layout)).toContain('2 training rows coloured, 2 validation rows dimmed');
  });

  it('outlines the marked rows, each around its own cell', () => {
    const marked = [0, 7];
    const figure = operationTable({ modulus: 3, targets: addition(3), train: [0, 4, 7], marked });
    const { x, y, marker } = figure.data[2] as { x: number[]; y: number[]; marker: { size: number } };
    expect([x, y]).toEqual([
      [0, 1],
      [0, 2],
    ]);
    const { l, r } = figure.layout.margin as { l: number; r: number };
    expect(marker.size).toBeGreaterThan((sizeOf(figure).width - l - r) / 3);
    expect(JSON.stringify(figure.layout)).toContain('3 training rows coloured, 2 rows outlined');
    expect(renderer.problems(figure)).toEqual([]);
    expect(() => operationTable({ modulus: 3, targets: addition(3), marked: [9] })).toThrow(
      'marked row 0 is 9',
    );
  });

  it('gives p the colour of 0', () => {
    const [table] = operationTable({ modulus: 5, targets: addition(5) }).data;
    const scale = table?.colorscale as [number, string][];
    expect(table).toMatchObject({ zmin: 0, zmax: 5 });
    expect(scale[0]?.[1]).toBe(scale.at(-1)?.[1]);
    expect(new Set(scale.map(([, colour]) => colour)).size).toBe(scale.length - 1);
  });

  it.each([2, 7, 113])(
    'modulus %i: every label is inside the picture and none over another',
    async (modulus) => {
      const train = Int32Array.from({ length: Math.floor(modulus ** 2 / 3) }, (_, index) => 3 * index);
      const table = { modulus, targets: addition(modulus), train };
      for (const figure of [
        operationTable(table),
        operationTable(table, { height: 400, operation: 'a² + ab + b²' }),
      ]) {
        const { width, height } = sizeOf(figure);
        const labels = texts(await renderer.svg(figure, { width, height }), renderer.measure);
        expect(labels.length).toBeGreaterThan(8);
        expect(
          labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
        ).toEqual([]);
        expect(overlaps(labels)).toEqual([]);
      }
    },
  );

  it('looks as it did', async () => {
    const figure = operationTable({ modulus: 3, targets: addition(3), train: [0, 4] });
    expect(figure).toMatchSnapshot('specification');
    expect(places(texts(await renderer.svg(figure, sizeOf(figure)), renderer.measure))).toMatchSnapshot(
      'labels',
    );
  });

  it('is valid Plotly', () => {
    expect(renderer.problems(operationTable({ modulus: 3, targets: addition(3), train: [1, 2] }))).toEqual(
      [],
    );
  });

  it('is small, with cells of whole pixels', () => {
    const figure = operationTable({ modulus: 113, targets: addition(113), train: [1, 2, 3] });
    expect(JSON.stringify(figure).length).toBeLessThan(40_000);
    const { l, r } = figure.layout.margin as { l: number; r: number };
    expect((sizeOf(figure).width - l - r) % 113).toBe(0);
  });

  it('packs tables of large moduli in two bytes a cell', () => {
    const cells = operationTable({ modulus: 300, targets: addition(300) }).data[0]?.z as Packed;
    expect(cells.dtype).toBe('u2');
    expect(unpacked(cells)[299]?.[299]).toBe(298);
  });

  it('names the operation', () => {
    expect(titleOf(operationTable({ modulus: 3, targets: addition(3) }, { operation: 'a + b' }))).toBe(
      'The table of a + b mod 3',
    );
  });

  it('refuses what is not a table, in one line', () => {
    expect(() => operationTable({ modulus: 1, targets: [0] })).toThrow(
      'modulus is 1, expected a whole number of at least 2',
    );
    expect(() => operationTable({ modulus: 3, targets: [0] })).toThrow(
      'the table has 1 targets, expected 9 for modulus 3',
    );
    expect(() => operationTable({ modulus: 2, targets: [0, 1, 2, 0] })).toThrow(
      'target 2 is 2, expected a whole number from 0 to 1',
    );
    expect(() => operationTable({ modulus: 2, targets: addition(2), train: [4] })).toThrow(
      'training row 0 is 4',
    );
    expect(() => operationTable({ modulus: 2, targets: addition(2) }, { height: 10 })).toThrow(
      'height is 10',
    );
  });
});
