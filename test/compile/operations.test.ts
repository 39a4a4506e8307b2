import { readFileSync } from 'node:fs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compilableKernels, operations } from '../../lib/compile';
import { GRADIENTS } from '../../lib/compile/gradients';
import { composedKernels } from '../../lib/compile/kernels/composed';
import { kernelNames } from '../../lib/compile/kernels/names';
import { NEVER_CALLED, REFUSED } from '../../lib/compile/kernels/refused';
import { KNOWN_RESULTS } from '../../lib/compile/trace/known-results';
import { capabilitiesFile, missingKernels } from '../../scripts/tables/capabilities.mjs';
import { FUNCTIONS, operationsPage } from '../../scripts/tables/operations.mjs';
import { lacking } from '../support/capabilities';

const committed = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const bySupport = (support: string) =>
  operations()
    .filter((operation) => operation.support === support)
    .map(({ kernel }) => kernel);

describe('the operations', () => {
  it('are all kernels of tfjs, once each', () => {
    const names = operations().map(({ kernel }) => kernel);
    expect(names).toEqual(kernelNames());
    expect(names.length).toBeGreaterThan(170);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are refused with a reason, or have a rule, a composition or a known result, and never both', () => {
    expect(bySupport('refused').sort()).toEqual([...REFUSED.keys()].sort());
    const usable = [...compilableKernels(), ...composedKernels(), ...Object.keys(KNOWN_RESULTS)];
    expect(usable.filter((kernel) => REFUSED.has(kernel) || NEVER_CALLED.has(kernel))).toEqual([]);
  });

  it('have the gradients that this package registers, and tfjs’s', () => {
    const gradientOf = new Map(operations().map(({ kernel, gradient }) => [kernel, gradient]));
    expect([...gradientOf].filter(([, gradient]) => gradient === 'ours').length).toBe(GRADIENTS.length);
    expect(gradientOf.get('TopK')).toBe('ours');
    expect(gradientOf.get('Exp')).toBe('tfjs');
    expect(gradientOf.get('Less')).toBe('none');
    for (const config of GRADIENTS) expect(tf.getGradient(config.kernelName)).toBe(config);
  });

  it('give float functions a gradient: only comparisons, counts and gradients themselves have none', () => {
    const without = operations()
      .filter(({ support, gradient }) => support === 'lowered' && gradient === 'none')
      .map(({ kernel }) => kernel);
    expect(without).toEqual(NO_GRADIENT);
  });
});

/** What has no derivative, or none that anybody asks for: a change of this list is a decision. */
const NO_GRADIENT =
  'All Any Bincount BitwiseAnd DenseBincount EluGrad Equal Greater Less LessEqual LogicalAnd LogicalNot LogicalOr NotEqual SearchSorted'.split(
    ' ',
  );

describe('the tables are those of the code; otherwise run `npm run tables`', () => {
  it('docs/operations.md', () => {
    expect(committed('docs/operations.md')).toBe(
      operationsPage(operations(), FUNCTIONS, missingKernels(tf, kernelNames(), ['cpu', 'wasm'])),
    );
  });

  it('test/support/capabilities.json', () => {
    const missing = missingKernels(tf, kernelNames(), ['cpu', 'wasm']);
    expect(committed('test/support/capabilities.json')).toBe(capabilitiesFile(missing));
  });
});

describe('the capability table', () => {
  it('says what each backend lacks', () => {
    expect(lacking('wasm', ['UnsortedSegmentSum', 'Add'])).toEqual(['UnsortedSegmentSum']);
    expect(lacking('cpu', ['UnsortedSegmentSum', 'Add'])).toEqual([]);
  });

  it('has no kernel that tfjs’s CPU backend lacks but a compiled step needs', () => {
    // tfjs itself never calls this one; the compiler's passes do.
    expect(lacking('cpu', compilableKernels()).filter((kernel) => tf.getGradient(kernel))).toEqual([
      'BroadcastTo',
    ]);
  });
});
