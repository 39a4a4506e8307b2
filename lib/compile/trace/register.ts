/** @file Puts the tracing backend and its kernels into tfjs's registry. */
import '@tensorflow/tfjs';
import '../gradients';
import * as tf from '@tensorflow/tfjs-core';
import { makeValue, type Value } from '../graph';
import type { DType } from '../host';
import { composition } from '../kernels/composed';
import type { Inputs } from '../kernels/composed/composition';
import { TRACE_BACKEND, TraceBackend } from './backend';
import { linSpace, range } from './sequences';

/** Every kernel name that tfjs-core exports; each becomes a recorder or, without a rule, an error that names it. */
function kernelNames(): string[] {
  return [
    ...new Set(Object.values(tf).filter((value) => typeof value === 'string' && /^_?[A-Z]/.test(value))),
  ] as string[];
}

type KernelCall = { inputs: { readonly x: tf.Tensor }; attrs: Record<string, unknown> };

/** A kernel whose result is known while tracing. */
type KnownResult = (backend: TraceBackend, call: KernelCall) => Value;

function filled(dtype: string, shape: readonly number[], fill: number): Value {
  return makeValue(dtype as DType, [...shape], { fill });
}

const KNOWN_RESULTS: Readonly<Record<string, KnownResult>> = {
  Identity: (backend, { inputs }) => backend.value(inputs.x),
  Fill: (_, { attrs }) =>
    filled((attrs.dtype as string | undefined) ?? 'float32', attrs.shape as number[], attrs.value as number),
  ZerosLike: (_, { inputs: { x } }) => filled(x.dtype, x.shape, 0),
  OnesLike: (_, { inputs: { x } }) => filled(x.dtype, x.shape, 1),
  Range: (_, { attrs }) => range(attrs),
  LinSpace: (_, { attrs }) => linSpace(attrs),
};

/** Registers the backend unless it is there already. tfjs's gradients come with the import above. */
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
