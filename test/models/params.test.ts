import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import type { HostTree } from '../../lib/compile';
import { namedTensors, toTensors } from '../../lib/models/params';

describe('toTensors', () => {
  it('gives every tensor of a tree its shape, element type and numbers, at the same place', () => {
    const tree: HostTree = {
      weight: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(0.5, -2) },
      layers: {
        0: { step: { dtype: 'int32', shape: [], data: Int32Array.of(7) } },
        1: { mask: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) } },
      },
    };
    const found = namedTensors(toTensors(tree)).map(([name, tensor]) => [
      name,
      tensor.dtype,
      tensor.shape,
      [...tensor.dataSync()],
    ]);
    expect(found).toEqual([
      ['weight', 'float32', [2, 1], [0.5, -2]],
      ['layers.0.step', 'int32', [], [7]],
      ['layers.1.mask', 'bool', [3], [1, 0, 1]],
    ]);
  });

  it('refuses what is no tree of host tensors, in one line', () => {
    expect(() => toTensors({ weight: 3 } as unknown as HostTree)).toThrow("'weight' is 3, expected");
  });
});
