import { describe, expect, it } from 'vitest';
import { makeDataset } from '../../lib/data/dataset';
import { getOperation, operationNames } from '../../lib/data/operations';
import { sizeOf, titleOf } from '../../lib/figures/figure';
import { operationTables } from '../../lib/figures/operation-tables';
import { type Packed, unpacked } from '../../lib/figures/packed';
import { renderer } from './renderer';
import { overlaps, places, texts } from './svg';

const panels = operationNames().map((operation) => {
  const { label, modular } = getOperation(operation);
  const { elements, targets } = makeDataset({ operation, ...(modular ? { modulus: 7 } : {}) });
  return { name: label.replace(/ (mod p|in S₅)$/, ''), elements, targets };
});

describe('operationTables', () => {
  it('puts a down and b across, from the first b there is', () => {
    const { data, layout } = operationTables([{ name: 'x / y', elements: 3, targets: [0, 0, 1, 2, 2, 1] }]);
    const [table] = data;
    expect(unpacked(table?.z as Packed)).toEqual([
      [0, 0],
      [1, 2],
      [2, 1],
    ]);
    expect(table).toMatchObject({ x0: 1, dx: 1, coloraxis: 'coloraxis' });
    expect(layout.coloraxis).toMatchObject({ cmin: 0, cmax: 3 });
  });

  it('gives n the colour of 0, on one scale for all tables of n elements', () => {
    const { data, layout } = operationTables(panels);
    const axes = data.map(({ coloraxis }) => coloraxis);
    expect(axes).toEqual([...new Array(9).fill('coloraxis'), ...new Array(3).fill('coloraxis2')]);
    expect([layout.coloraxis, layout.coloraxis2]).toMatchObject([{ cmax: 7 }, { cmax: 120 }]);
    const { colorscale } = layout.coloraxis as { colorscale: [number, string][] };
    expect(colorscale[0]?.[1]).toBe(colorscale.at(-1)?.[1]);
  });

  it('gives every table a place of its own, with square cells of whole pixels', () => {
    const figure = operationTables(panels);
    const { width, height } = sizeOf(figure);
    const { l, r, t, b } = figure.layout.margin as Record<string, number>;
    const inner = [width - (l as number) - (r as number), height - (t as number) - (b as number)] as const;
    const boxes = panels.map((_, index) => {
      const suffix = index === 0 ? '' : `${index + 1}`;
      const [x, y] = ['x', 'y'].map(
        (letter) => (figure.layout[`${letter}axis${suffix}`] as { domain: [number, number] }).domain,
      ) as [[number, number], [number, number]];
      return {
        left: x[0] * inner[0],
        right: x[1] * inner[0],
        top: (1 - y[1]) * inner[1],
        bottom: (1 - y[0]) * inner[1],
      };
    });
    boxes.forEach((box, index) => {
      const side = panels[index]?.elements === 120 ? 240 : 238;
      expect(box.right - box.left).toBeCloseTo(side, 6);
      expect(box.bottom - box.top).toBeCloseTo(side, 6);
      for (const edge of Object.values(box)) expect(Math.abs(edge - Math.round(edge))).toBeLessThan(1e-6);
      expect(Math.min(box.left, box.top) >= -1e-6 && box.right <= inner[0] + 1e-6).toBe(true);
      for (const other of boxes.slice(0, index)) {
        const apart = box.left >= other.right || other.left >= box.right || box.top >= other.bottom;
        expect(apart).toBe(true);
      }
    });
    expect(figure.data.map(({ xaxis }) => xaxis)).toEqual(
      panels.map((_, i) => (i === 0 ? 'x' : `x${i + 1}`)),
    );
  });

  it('names every table inside the picture, no name over another', async () => {
    const figure = operationTables(panels);
    const { width, height } = sizeOf(figure);
    const labels = texts(await renderer.svg(figure, { width, height }), renderer.measure);
    expect(
      labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
    ).toEqual([]);
    expect(overlaps(labels)).toEqual([]);
    expect(places(labels)).toMatchSnapshot('labels');
  });

  it('is valid Plotly, and small', () => {
    const figure = operationTables(panels.slice(0, 4), {
      columns: 2,
      side: 100,
      title: 'Four',
      subtitle: '',
    });
    // Plotly's check knows no shared colour axis at all: it compares the name with the default, which is none.
    expect(renderer.problems(figure).filter((line) => !line.includes('key coloraxis is set'))).toEqual([]);
    expect(titleOf(figure)).toBe('Four');
    expect(JSON.stringify(figure).length).toBeLessThan(6_000);
  });

  it('refuses what is not a table, in one line', () => {
    const panel = { name: 'x', elements: 2, targets: [0, 1, 1, 0] };
    expect(() => operationTables([])).toThrow('no table to draw');
    expect(() => operationTables([panel], { columns: 0 })).toThrow('columns is 0');
    expect(() => operationTables([panel], { side: 10 })).toThrow('side is 10');
    expect(() => operationTables([{ ...panel, elements: 1 }])).toThrow('elements of x is 1');
    expect(() => operationTables([{ ...panel, targets: [0, 1, 1] }])).toThrow('has 3 targets');
    expect(() => operationTables([{ ...panel, targets: [0, 1, 2, 0] }])).toThrow('target of x 2 is 2');
  });
});
