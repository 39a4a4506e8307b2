/** @file Which kernels of tfjs a compiled step can use, and how: what the table in the documentation is made of. */
import * as tf from '@tensorflow/tfjs-core';
import { GRADIENTS } from './gradients';
import type { DType } from './host';
import { composedKernels } from './kernels/composed';
import { kernelNames } from './kernels/names';
import { NEVER_CALLED, REFUSED } from './kernels/refused';
import { kernelRule } from './kernels/table';
import { KNOWN_RESULTS } from './trace/known-results';

/** A kernel of tfjs; most have the name of the operation that calls them. */
export interface Operation {
  readonly kernel: string;
  /**
   * `lowered`: written in ONNX by a rule of its own. `composed`: said in other kernels while tracing. `known`: its result is
   * known while tracing. `expanded`: tfjs itself makes it of others. `refused`: an error.
   */
  readonly support: 'lowered' | 'composed' | 'known' | 'expanded' | 'refused';
  /** Element types that its rule takes; absent where it takes all, or has no rule. */
  readonly types?: readonly DType[];
  /** Whose gradient is used, if there is one. */
  readonly gradient: 'tfjs' | 'ours' | 'none';
  /** Why it is refused. */
  readonly reason?: string;
}

/** Every kernel of tfjs, by name. */
export function operations(): Operation[] {
  const ours = new Set(GRADIENTS.map(({ kernelName }) => kernelName));
  const composed = new Set(composedKernels());
  return kernelNames().map((kernel): Operation => {
    const gradient = ours.has(kernel) ? 'ours' : tf.getGradient(kernel) === undefined ? 'none' : 'tfjs';
    const rule = kernelRule(kernel);
    if (rule !== undefined) {
      const { types } = rule;
      return { kernel, support: 'lowered', gradient, ...(types === undefined ? {} : { types }) };
    }
    if (kernel in KNOWN_RESULTS) return { kernel, support: 'known', gradient };
    if (composed.has(kernel)) return { kernel, support: 'composed', gradient };
    if (NEVER_CALLED.has(kernel)) return { kernel, support: 'expanded', gradient };
    const reason = REFUSED.get(kernel) ?? 'it has no lowering to ONNX';
    return { kernel, support: 'refused', gradient, reason };
  });
}
