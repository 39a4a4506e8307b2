/** @file Operations that tfjs lacks and a compiled step needs. Each also runs eagerly, on any tfjs backend. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from './errors';
import { stopGradient } from './functions';
import { describe, makeValue, type Value } from './graph';
import { sameShape } from './kernels/rule';
import { TRACE_BACKEND } from './trace/backend';
import { callSite } from './trace/call-site';
import { isPromise } from './trace/promise';
import { traceBackend } from './trace/register';

/**
 * Runs one of two functions, by a scalar of type bool: `condition ? whenTrue() : otherwise()`. In a compiled step only
 * the chosen one is computed, whenever the step runs; both must return the same names, shapes and types. No gradient
 * flows through the results, eagerly neither: where one is wanted compute both and choose by `tf.where`, or take the gradient
 * inside of the branches.
 * @throws CompileError where the condition is not a bool scalar, a branch does not return a record of tensors, or the two
 * results differ in form.
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
  if (tf.getBackend() !== TRACE_BACKEND) {
    const result = checkedRecord(condition.dataSync()[0] ? whenTrue() : otherwise());
    return Object.fromEntries(
      Object.entries(result).map(([name, tensor]) => [name, stopGradient(tensor)]),
    ) as unknown as T;
  }
  const backend = traceBackend();
  const recorder = backend.active();
  let names: string[] | undefined;
  const branch = (body: () => T) =>
    recorder.block(() => {
      const result = checkedRecord(body());
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

/** What a branch returned, which the compiler cannot check where it is plain JavaScript. */
function checkedRecord<T extends object>(result: T): T {
  const found = misfit(result);
  if (found === undefined) return result;
  throw new CompileError(
    `a branch of cond returns ${found}, expected a record of tensors, such as { y: tensor }`,
    { source: callSite() },
  );
}

/** What a value is that is no record of tensors. */
function misfit(result: unknown): string | undefined {
  if (result instanceof tf.Tensor) return `${describe(result)} by itself`;
  if (isPromise(result)) return 'a promise';
  if (typeof result !== 'object' || result === null) return String(result);
  const other = Object.entries(result).find(([, value]) => !(value instanceof tf.Tensor));
  return other && `'${other[0]}', which is no tensor`;
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
