/** @file Puts the tracing backend and its kernels into tfjs's registry. */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { composition } from '../kernels/composed';
import type { Inputs } from '../kernels/composed/composition';
import { kernelNames } from '../kernels/names';
import { TRACE_BACKEND, TraceBackend } from './backend';
import { type KernelCall, KNOWN_RESULTS } from './known-results';

/**
 * Registers the backend unless it is there already. Each kernel becomes a recorder or, without a rule, an error that names
 * it. tfjs's gradients come with the import above.
 */
export function traceBackend(): TraceBackend {
  const existing = tf.findBackend(TRACE_BACKEND);
  if (existing instanceof TraceBackend) return existing;
  const backend = new TraceBackend();
  for (const kernelName of kernelNames()) {
    const known = KNOWN_RESULTS[kernelName];
    const compose = composition(kernelName);
    tf.registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const call = { inputs, attrs: attrs ?? {} } as KernelCall;
        if (known !== undefined) return backend.info(known(backend, call));
        const composed = compose?.(call.inputs as Inputs, call.attrs);
        // Under a handle of its own, even where it is one of the inputs.
        if (composed !== undefined) return backend.info(backend.value(composed));
        const results = backend.run(kernelName, call.inputs, call.attrs);
        return results.length === 1 && !MULTIPLE_RESULTS.has(kernelName)
          ? (results[0] as tf.TensorInfo)
          : results;
      },
    });
  }
  tf.registerBackend(TRACE_BACKEND, () => backend, 0);
  return backend;
}

/** Kernels that return a list even when it holds one tensor. */
const MULTIPLE_RESULTS: ReadonlySet<string> = new Set(['SplitV', 'Unpack']);
