/** @file Operations that tfjs lacks and a compiled step needs. Each also runs eagerly, on any tfjs backend. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from './errors';
import { describe, makeValue, type Value } from './graph';
import { sameShape } from './kernels/rule';
import { TRACE_BACKEND } from './trace/backend';
import { callSite } from './trace/call-site';
import { traceBackend } from './trace/register';

/**
 * Runs one of two functions, by a scalar of type bool: `condition ? whenTrue() : otherwise()`. In a compiled step only
 * the chosen one is computed, whenever the step runs; both must return the same names, shapes and types. No gradient
 * flows through the results.
 * @throws CompileError where the condition is not a bool scalar or the two results differ in form.
 */
export function cond<T extends Readonly<Record<string, tf.Tensor>>>(
  condition: tf.Tensor,
  whenTrue: () => T,
  otherwise: () => T,
): T {
  if (condition.dtype !== 'bool' || condition.rank !== 0) {
    throw new CompileError(`the condition of cond is ${describe(condition)}, expected bool[]`, {
      source: callSite(),
    });
  }
  if (tf.getBackend() !== TRACE_BACKEND) return condition.dataSync()[0] ? whenTrue() : otherwise();
  const backend = traceBackend();
  const recorder = backend.active();
  let names: string[] | undefined;
  const branch = (body: () => T) =>
    recorder.block(() => {
      const result = body();
      const given = Object.keys(result);
      names ??= given;
      if (given.length !== names.length || !names.every((name) => name in result)) {
        throw new CompileError(`the branches of cond return different names: '${names}' and '${given}'`, {
          source: callSite(),
        });
      }
      return names.map((name) => backend.value(result[name] as tf.Tensor));
    });
  const predicate = backend.value(condition);
  const blocks = [branch(whenTrue), branch(otherwise)] as const;
  const outputs = blocks[0].outputs.map((value, index) =>
    agreed(value, blocks[1].outputs[index] as Value, names?.[index]),
  );
  recorder.add({ op: 'Cond', inputs: [predicate], outputs, attrs: {}, blocks });
  return Object.fromEntries(
    outputs.map((value, index) => [names?.[index], backend.tensor(value)]),
  ) as unknown as T;
}

function agreed(a: Value, b: Value, name: string | undefined): Value {
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) {
    throw new CompileError(
      `the branches of cond return different forms of '${name}': ${describe(a)} and ${describe(b)}`,
      { source: callSite() },
    );
  }
  return makeValue(a.dtype, a.shape);
}
