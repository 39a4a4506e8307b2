import { describe, expect, it } from 'vitest';
import { CompileError, Program } from '../../../lib/compile';
import { COMPILED_DEVICES, DEVICE_REQUESTS, isDeviceRequest } from '../../../lib/compile/devices';
import { compile, openDevice } from '../../../lib/compile/devices.node';
import { openEagerBackend } from '../../../lib/compile/eager.node';
import { measureProduct } from '../../../lib/compile/measure';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { rejectionOf } from '../../support/one-line';
import { regression } from '../regression';

const rejection = (promise: Promise<unknown>) => rejectionOf(CompileError, promise);

/** Packages by name, as Node would find them. */
function installed(packages: Readonly<Record<string, unknown>>): NodeJS.Require {
  const find = (name: string) => {
    if (!(name in packages)) throw new Error(`Cannot find module '${name}'`);
    const found = packages[name];
    if (found instanceof Error) throw found;
    return found;
  };
  return find as NodeJS.Require;
}

describe('devices', () => {
  it('are told by their names', () => {
    expect(DEVICE_REQUESTS).toEqual([
      ...['cpu', 'webgpu', 'cuda', 'auto'],
      ...['tfjs:cpu', 'tfjs:wasm', 'tfjs:node', 'tfjs:node-gpu'],
    ]);
    expect(isDeviceRequest('webgpu')).toBe(true);
    expect(isDeviceRequest('gpu')).toBe(false);
  });

  it('compile a step as the program of their runtime', async () => {
    const { step, state } = regression(20, 6, 4);
    const [direct, named] = [
      await Program.compile(onnxRuntimeNode, step, state, { threads: 1 }),
      await compile(step, state, { threads: 1, spinning: false }),
    ];
    const [expected, actual] = [
      await direct.run(direct.put(state), { steps: 4 }),
      await named.run(named.put(state), { steps: 4 }),
    ];
    expect(actual.metrics).toEqual(expected.metrics);
    await Promise.all([direct.release(), named.release()]);
  });

  it('chosen automatically are compiled ones, with a reason in one line', async () => {
    const { name, reason, runtime } = await openDevice('auto');
    expect(COMPILED_DEVICES).toContain(name);
    expect(runtime?.device).toBe(name);
    expect(reason).toMatch(/^[^\n]+$/);
  });

  it('are measured by a product that is checked', async () => {
    const time = await measureProduct(onnxRuntimeNode, 8);
    expect(time).toBeGreaterThan(0);
    expect(time).toBeLessThan(Number.POSITIVE_INFINITY);
    const wrong = { ...onnxRuntimeNode, get: async () => ({ data: Float32Array.of(7) }) as never };
    expect(await measureProduct(wrong, 8)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a device that is not there', async () => {
  it('by a name that nobody knows', async () => {
    expect(await rejection(openDevice('gpu' as never))).toBe(
      `device is 'gpu', expected ${DEVICE_REQUESTS.join(', ')}`,
    );
  });

  // Where somebody has installed its libraries there is nothing to refuse.
  const cuda = await openDevice('cuda').then(
    () => undefined,
    (error: CompileError) => error.message,
  );
  it.skipIf(cuda === undefined)('CUDA says how to get it', () => {
    expect(cuda).toMatch(
      /^the device 'cuda' is not there: ([^\n]*CUDA 12 and cuDNN 9|.* on Linux x64 only$)/,
    );
  });

  it.each([
    [
      'tfjs:node',
      {},
      'the package @tensorflow/tfjs-node is not installed; to get it: remove "@tensorflow/tfjs-node" from "overrides"',
    ],
    [
      'tfjs:node',
      { '@tensorflow/tfjs-node/package.json': { name: '@tensorflow/tfjs', version: '4.22.0' } },
      '@tensorflow/tfjs is installed in place of @tensorflow/tfjs-node; to get it:',
    ],
    [
      'tfjs:node-gpu',
      {},
      'the package @tensorflow/tfjs-node-gpu is not installed; to get it: npm install --no-save --ignore-scripts=false @tensorflow/tfjs-node-gpu@4.22.0, with CUDA 11.2',
    ],
    [
      'tfjs:node-gpu',
      {
        '@tensorflow/tfjs-node-gpu/package.json': { name: '@tensorflow/tfjs-node-gpu', version: '4.22.0' },
        '@tensorflow/tfjs-node-gpu': new Error('libcudart.so.11.0: cannot open shared object file\nat …'),
      },
      'libcudart.so.11.0: cannot open shared object file; to get it:',
    ],
    [
      'tfjs:wasm',
      {},
      'the package @tensorflow/tfjs-backend-wasm is not installed; to get it: npm install --no-save @tensorflow/tfjs-backend-wasm@4.22.0',
    ],
  ] as const)('%s with %j', async (device, packages, expected) => {
    const message = await rejection(openEagerBackend(device, installed(packages)));
    expect(message).toContain(`the device '${device}' is not there: ${expected}`);
  });
});
