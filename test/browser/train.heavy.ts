import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import { bundleForBrowser, root } from '../support/bundle';
import { findChromium } from '../support/chromium';
import { isMissing } from '../support/found';
import '../support/matchers';
import { temporaryFolder } from '../support/temporary';
import { TINY_GPT } from '../support/tiny-gpt';
import { type PageServer, servePage } from './server';

interface Trained {
  readonly losses: readonly number[];
  readonly step: number;
  readonly runtime: string;
  readonly isolated: boolean;
}

const executablePath = findChromium();
const lacks = isMissing(
  executablePath,
  'Training in a page is not tested: no Chromium was found (apt-get install chromium).',
);

describe.skipIf(lacks)('a page in Chromium', () => {
  let browser: Browser;
  let server: PageServer;
  const folder = temporaryFolder();
  const asked: string[] = [];

  beforeAll(async () => {
    await bundleForBrowser(fileURLToPath(new URL('./page.mjs', import.meta.url)), folder);
    writeFileSync(
      join(folder, 'index.html'),
      '<!doctype html><script type="module" src="program.js"></script>',
    );
    server = await servePage({ '': folder, ort: join(root, 'node_modules/onnxruntime-web/dist') });
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox', '--enable-unsafe-webgpu'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** Trains in a page of its own and returns what it says. */
  async function trained(runtime: object, steps: number, threads: number): Promise<Trained> {
    const page: Page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${server.url}index.html`);
    const train = { options: TINY_GPT, runtime, steps, threads };
    const result = await page.evaluate(
      (request) => (globalThis as unknown as { train(request: object): Promise<Trained> }).train(request),
      train,
    );
    const workers = page.workers().length;
    await page.close();
    expect(problems).toEqual([]);
    if (threads > 1) expect(workers).toBe(threads - 1);
    return result;
  }

  async function trainedInNode(steps: number): Promise<number[]> {
    const { step, initial } = prepareRun(runConfig(TINY_GPT));
    const program = await Program.compile(onnxRuntimeNode, step, initial, { threads: 1 });
    const { metrics } = await program.run(program.put(initial), { steps });
    await program.release();
    return [...(metrics.trainLoss as { data: Float32Array }).data];
  }

  it('trains on WebAssembly with threads, with the losses of Node', async () => {
    const result = await trained({ files: '/ort' }, 40, 2);
    expect(result.isolated).toBe(true);
    expect(result.step).toBe(40);
    expect(result.losses).toMatchReference(await trainedInNode(40), 1e-5);
    expect(result.losses.at(-1)).toBeLessThan(result.losses[0] as number);
  });

  it('trains on WebGPU, on a software adapter, with the losses of Node', async () => {
    const result = await trained({ device: 'webgpu', files: '/ort' }, 6, 1);
    expect(result.step).toBe(6);
    expect(result.losses).toMatchReference(await trainedInNode(6), 1e-5);
  });

  it('asks nobody but its own server', () => {
    expect(asked.length).toBeGreaterThan(readdirSync(folder).length > 2 ? 4 : 0);
    expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith('blob:'))).toEqual([]);
  });
});
