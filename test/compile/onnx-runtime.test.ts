import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { deviceMemory } from '../../lib/compile/device-memory';
import { type OnnxRuntimePackage, onnxRuntime } from '../../lib/compile/onnx-runtime';

/** A tensor in a device's memory, as ONNX Runtime hands it out. */
function deviceTensor({ size = 2 } = {}) {
  const disposed: string[] = [];
  const tensor = {
    type: 'float32',
    dims: [size],
    size,
    location: 'gpu-buffer',
    dispose: () => void disposed.push('disposed'),
  } as unknown as Tensor;
  return { tensor, disposed };
}

/** ONNX Runtime with sessions of the test's own. */
function runtimeOf(create: () => Promise<Partial<InferenceSession>>) {
  const ort = { InferenceSession: { create }, Tensor: class {} } as unknown as OnnxRuntimePackage;
  return onnxRuntime(ort, {
    version: 'test',
    device: 'webgpu',
    provider: 'webgpu',
    nativeLoop: false,
    keepsResults: true,
  });
}

const later = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a runtime', () => {
  it('waits with a release until the calls before it have ended', async () => {
    const events: string[] = [];
    const runtime = runtimeOf(async () => ({
      async run() {
        events.push('run');
        await later();
        events.push('ran');
        return {};
      },
      release: async () => void events.push('released'),
    }));
    const session = await runtime.open(new Uint8Array(0), {});
    await Promise.all([session.run({}), session.release()]);
    expect(events).toEqual(['run', 'ran', 'released']);
  });

  it('says in one line what goes wrong in a release', async () => {
    const runtime = runtimeOf(async () => ({ release: () => Promise.reject(new Error('device\nlost')) }));
    const session = await runtime.open(new Uint8Array(0), {});
    await expect(session.release()).rejects.toThrow(
      'ONNX Runtime cannot release the compiled step: device lost',
    );
  });

  it('reads a tensor of the device after an attempt that failed', async () => {
    let attempts = 0;
    const y = { type: 'float32', dims: [2], data: Float32Array.of(1, 2) };
    const runtime = runtimeOf(async () => {
      if (attempts++ === 0) throw new Error('busy');
      return { run: async () => ({ y }) } as unknown as InferenceSession;
    });
    const { tensor } = deviceTensor();
    await expect(runtime.get(tensor)).rejects.toThrow('ONNX Runtime cannot read the state: busy');
    expect(await runtime.get(tensor)).toEqual({ dtype: 'float32', shape: [2], data: y.data });
    await runtime.get(tensor);
    expect(attempts).toBe(2);
  });
});

describe('the memory of a device', () => {
  it('is given back once, however often that is asked for', () => {
    const memory = deviceMemory();
    const { tensor, disposed } = deviceTensor();
    memory.free(tensor);
    expect(disposed).toEqual([]);
    memory.watch(tensor);
    memory.free(tensor);
    memory.free(tensor);
    expect(disposed).toEqual(['disposed']);
  });

  it('is watched also where the host has no room for as much', () => {
    const memory = deviceMemory();
    const { tensor, disposed } = deviceTensor({ size: 2 ** 52 });
    memory.watch(tensor);
    memory.free(tensor);
    expect(disposed).toEqual(['disposed']);
  });
});
