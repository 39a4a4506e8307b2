import { describe, expect, it } from 'vitest';
import { describeGpu, describeMachine } from '../../bench/harness/machine.mjs';

describe('the machine of a benchmark', () => {
  it('has a GPU where the device is one', () => {
    const two = () => 'NVIDIA H100 80GB HBM3\nNVIDIA H100 80GB HBM3\n';
    expect(describeGpu('cuda', two)).toEqual({ gpu: 'NVIDIA H100 80GB HBM3' });
    expect(describeGpu('webgpu', () => 'A\r\nB\r\n')).toEqual({ gpu: 'A, B' });
  });

  it('says so where nothing names it', () => {
    expect(describeGpu('webgpu', () => '')).toEqual({ gpu: 'unknown adapter' });
  });

  it('has none on the CPU, and asks for none', () => {
    const never = () => {
      throw new Error('asked');
    };
    expect(describeGpu('cpu', never)).toEqual({});
    expect(describeMachine('cpu')).not.toHaveProperty('gpu');
    expect(describeMachine('cuda')).toHaveProperty('gpu');
  });
});
