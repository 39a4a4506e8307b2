/** @file Sequences of numbers, known while tracing. tfjs adds up steps, here each number is rounded once. */
import { constantOf, makeValue, type Value } from '../graph';
import type { DType } from '../host';
import { checkedDType, toData } from './backend';

function sequence(dtype: DType, length: number, at: (index: number) => number): Value {
  const data = toData(
    Array.from({ length }, (_, index) => at(index)),
    dtype,
  );
  return makeValue(dtype, [length], constantOf(data));
}

/** start, start + step, … up to but without `stop`; a step of 1 counts down where `stop` is below, as in tfjs. */
export function range(attrs: Readonly<Record<string, unknown>>): Value {
  const { start, stop, step, dtype } = attrs as { start: number; stop: number; step: number; dtype: string };
  const towards = step === 1 && stop < start ? -1 : step;
  const length = Math.max(0, Math.ceil((stop - start) / towards));
  return sequence(checkedDType(dtype), length, (index) => start + index * towards);
}

/** `num` numbers from `start` to `stop`, both included. */
export function linSpace(attrs: Readonly<Record<string, unknown>>): Value {
  const { start, stop, num } = attrs as { start: number; stop: number; num: number };
  const step = num > 1 ? (stop - start) / (num - 1) : 0;
  return sequence('float32', num, (index) => start + index * step);
}
