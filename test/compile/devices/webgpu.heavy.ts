import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, type HostTree, isHostTensor, leavesOf, Program } from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { runConfig } from '../../../lib/train/config';
import { prepareRun } from '../../../lib/train/prepare';
import { bundleForNode, root } from '../../support/bundle';
import { softwareVulkan } from '../../support/chromium';
import { isMissing } from '../../support/found';
import '../../support/matchers';
import { temporaryFolder } from '../../support/temporary';
import { TINY_GPT } from '../../support/tiny-gpt';
import { RANDOM_STATE, randomStep } from './random-step';

interface Numbers {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Training {
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  readonly after: Readonly<Record<string, Numbers>>;
  readonly firstLossAgain: number;
}
interface Report {
  readonly whole: Training;
  readonly cut: Training;
  readonly random: Readonly<Record<string, Numbers>>;
  readonly growth: { readonly bytes: number; readonly last: number };
  readonly passing: Readonly<Record<'first' | 'second' | 'later' | 'metrics', Record<string, Numbers>>>;
}

const vulkan = softwareVulkan();
const lacks = isMissing(
  vulkan,
  'WebGPU is not tested: no software Vulkan device was found (apt-get install chromium).',
);

describe.skipIf(lacks)('WebGPU on a software device', () => {
  let report: Report;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('./webgpu-program.ts', import.meta.url));
    const folder = temporaryFolder();
    const program = await bundleForNode(entry, folder);
    const output = join(folder, 'report.json');
    // The loader of Vulkan looks at its environment when the process starts.
    const env = { ...process.env, ...vulkan, NODE_PATH: join(root, 'node_modules') };
    await promisify(execFile)(process.execPath, [program, output], { env });
    report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  });

  it('trains with the losses, accuracies and parameters of the CPU', async () => {
    const { step, initial } = prepareRun(runConfig(TINY_GPT));
    const program = await Program.compile(onnxRuntimeNode, step, initial, { threads: 1 });
    const result = await program.run(program.put(initial), { steps: 6 });
    for (const [name, { data }] of Object.entries(result.metrics)) {
      const numbers = report.whole.metrics[name]?.map((value) => value ?? Number.NaN) as number[];
      expect(numbers.map(Number.isNaN)).toEqual(Array.from(data, Number.isNaN));
      expect(numbers.filter(Number.isFinite)).toMatchReference([...data].filter(Number.isFinite), 1e-6);
    }
    const after = leavesOf(await program.get<HostTree>(result.state), isHostTensor);
    expect(Object.keys(report.whole.after)).toEqual(after.map(([path]) => path));
    for (const [path, { data }] of after) {
      expect(report.whole.after[path]?.data).toMatchReference([...data], 1e-3);
    }
    await program.release();
  });

  it('gives the same bits however its steps are cut into calls, and leaves the state it was given alone', () => {
    expect(report.cut).toEqual(report.whole);
    expect(report.whole.firstLossAgain).toBe(report.whole.metrics.trainLoss?.[0]);
  });

  it('keeps float32, int32 and bool on the device, swapped and unchanged', () => {
    const state = (a: number[], b: number[], n: number) => ({
      a: { dtype: 'float32', shape: [2], data: a },
      b: { dtype: 'float32', shape: [2], data: b },
      flag: { dtype: 'bool', shape: [3], data: [1, 0, 1] },
      n: { dtype: 'int32', shape: [], data: [n] },
    });
    const { first, second, later, metrics } = report.passing;
    expect(first).toEqual(state([3, 4], [1, 2], 2 ** 24 + 3));
    expect(second).toEqual(state([3, 4], [1, 2], 2 ** 24 + 5));
    expect(later).toEqual(second);
    expect(metrics).toEqual({
      seven: { dtype: 'float32', shape: [3], data: [7, 7, 7] },
      flag: { dtype: 'bool', shape: [3, 3], data: [1, 0, 1, 1, 0, 1, 1, 0, 1] },
      n: { dtype: 'int32', shape: [3], data: [2 ** 24, 2 ** 24 + 1, 2 ** 24 + 2] },
    });
  });

  it('draws the words, uniform numbers and events of the CPU, and its normals to 1e-6', async () => {
    const program = await Program.compile(onnxRuntimeNode, randomStep, RANDOM_STATE, { threads: 1 });
    const { metrics } = await program.run(program.put(RANDOM_STATE), { steps: 3 });
    for (const name of ['words', 'uniform', 'event']) {
      expect(report.random[name]?.data).toEqual([...(metrics[name] as HostTensor).data]);
    }
    expect(new Set(report.random.words?.data).size).toBe(3 * 40 * 50);
    expect(report.random.normal?.data).toMatchReference((metrics.normal as HostTensor).data, 1e-6);
    await program.release();
  });

  it('gives back the memory of states that nobody refers to', () => {
    expect(report.growth.last).toBe(200);
    // Kept, they would be 600 MB.
    expect(report.growth.bytes).toBeLessThan(200e6);
  });
});
