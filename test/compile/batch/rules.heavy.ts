import { describe, expect, it } from 'vitest';
import { compilableKernels } from '../../../lib/compile';
import { batchedKernels } from '../../../lib/compile/batch';
import { kernelRule } from '../../../lib/compile/kernels/table';
import { agreeBatchedOn } from './agreement';
import { CASES, type KernelCases } from './cases';

describe('n instances at once are n single ones, by kernel', () => {
  it.each(Object.entries(CASES))('%s', async (kernel, cases) => {
    const { drawn, tolerance }: KernelCases = cases();
    await agreeBatchedOn(drawn, { kernel, ...(tolerance === undefined ? {} : { tolerance }) });
  });

  it('for every kernel with a batching rule', () => {
    expect(Object.keys(CASES).sort()).toEqual(batchedKernels());
  });
});

describe('the batching table', () => {
  const lowered = compilableKernels().filter((kernel) => kernelRule(kernel) !== undefined);

  it('has no kernel that a graph cannot have', () => {
    expect(batchedKernels().filter((kernel) => !lowered.includes(kernel))).toEqual([]);
  });

  it('leaves out only what is unrolled knowingly, or made by a pass', () => {
    const known = new Set(batchedKernels());
    expect(lowered.filter((kernel) => !known.has(kernel))).toEqual(['MatMulAdd']);
  });
});
