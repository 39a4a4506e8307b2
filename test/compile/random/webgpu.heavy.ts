import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleForNode, root } from '../../support/bundle';
import { softwareVulkan } from '../../support/chromium';
import { eagerly } from '../../support/eager';
import '../../support/matchers';
import { temporaryFolder } from '../../support/temporary';
import { drawn, EXACT_NAMES, KEYS, ROUNDED_NAMES } from './drawn';

const vulkan = softwareVulkan();
if (vulkan === undefined) {
  console.warn('WebGPU is not tested: no software Vulkan device was found (apt-get install chromium).');
}

describe.skipIf(vulkan === undefined)('random numbers on WebGPU, a software device', () => {
  let results: number[][][];
  let references: number[][][];

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('./webgpu-random.ts', import.meta.url));
    const folder = temporaryFolder();
    const program = await bundleForNode(entry, folder);
    const output = join(folder, 'results.json');
    // The loader of Vulkan looks at its environment when the process starts.
    const env = { ...process.env, ...vulkan, NODE_PATH: join(root, 'node_modules') };
    await promisify(execFile)(process.execPath, [program, output], { env });
    results = JSON.parse(readFileSync(output, 'utf8')) as number[][][];
    references = KEYS.map((key) =>
      eagerly(() => drawn(key.map((value) => tf.scalar(value, 'int32')))).map(({ data }) => [...data]),
    );
  });

  it.each(EXACT_NAMES.map((name, i) => [name, i] as const))('%s: the same bits', (_, i) => {
    KEYS.forEach((_, k) => {
      expect(results[k]?.[i]).toEqual(references[k]?.[i]);
    });
  });

  it.each(ROUNDED_NAMES.map((name, i) => [name, i + EXACT_NAMES.length] as const))(
    '%s: the same to 1e-6',
    (_, i) => {
      KEYS.forEach((_, k) => {
        const [actual, expected] = [results[k]?.[i] as number[], references[k]?.[i] as number[]];
        const errors = actual.map((x, j) => Math.abs(x - (expected[j] as number)));
        expect(errors.reduce((most, error) => Math.max(most, error))).toBeLessThan(1e-6);
      });
    },
  );
});
