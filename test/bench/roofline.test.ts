import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStep } from '../../bench/models/steps.mjs';
import { PRESETS, writeInputs } from '../../bench/presets.mjs';
import { flopsOf, type Product } from '../../bench/roofline/products.mjs';
import { tracedProducts } from '../../bench/roofline/traced.mjs';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();

describe.each(['gpt', 'mlp'] as const)('the committed list of products of %s', (name) => {
  const inputs = join(folder, `${name}.safetensors`);
  writeInputs(PRESETS[name], inputs);
  const list = new URL(`../../bench/roofline/${name}.json`, import.meta.url);
  const { products }: { products: Product[] } = JSON.parse(readFileSync(list, 'utf8'));
  const rows = PRESETS[name].inputs().targets.length;

  it('is the work of the hand-reduced step', async () => {
    const traced = await tracedProducts(readStep(inputs, 'reduced'));
    // Products of a few rows with one matrix may be one product in the list: their sum is what counts.
    expect(flopsOf(products)).toBe(flopsOf(traced));
    expect(overAllRows(products, rows)).toEqual(overAllRows(traced, rows));
    expect(overAllRows(traced, rows).length).toBeGreaterThan(2);
  });

  it('is less than the step does where it is written plainly', async () => {
    expect(flopsOf(await tracedProducts(readStep(inputs, 'plain')))).toBeGreaterThan(1.2 * flopsOf(products));
  });
});

/** Products that every row of the batch takes part in, in a fixed order and without their names. */
function overAllRows(products: readonly Omit<Product, 'name'>[], rows: number): string[] {
  return products
    .filter(({ m, k }) => Math.max(m, k) >= rows)
    .map(({ m, k, n, transA, transB }) => [m, k, n, transA ? 'A' : '', transB ? 'B' : ''].join(' '))
    .sort();
}
