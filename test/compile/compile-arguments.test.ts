import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, Program } from '../../lib/compile';
import { compile } from '../../lib/compile/devices.node';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf } from '../support/one-line';

async function refusalOf(run: () => Promise<unknown>): Promise<string> {
  const error = await run().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return messageOf(CompileError, () => {
    throw error;
  });
}

const start = { w: tf.ones([2]) };
const step = ({ w }: typeof start) => ({ state: { w }, metrics: { loss: tf.sum(w) } });

describe('compiling refuses in one line', () => {
  it.each(['cpu', 'tfjs:cpu'] as const)('values that no option has, on %s', async (device) => {
    for (const threads of [0, 1.5, 1025, Number.NaN, '2']) {
      const text = typeof threads === 'string' ? `'${threads}'` : threads;
      expect(await refusalOf(() => compile(step, start, { device, threads: threads as number }))).toBe(
        `threads is ${text}, expected an integer from 1 to 1024`,
      );
    }
    expect(await refusalOf(() => compile(step, start, { device, passes: 'EXACT' as never }))).toBe(
      "passes is 'EXACT', expected a list of passes, such as PASSES or EXACT_PASSES",
    );
    expect(await refusalOf(() => compile(step, start, { device, cache: '/folder' as never }))).toBe(
      "cache is '/folder', expected a cache, such as memoryCache() or fileCache(folder)",
    );
  });

  it('arguments of the other function', async () => {
    expect(await refusalOf(() => compile(onnxRuntimeNode as never, step as never, start as never))).toContain(
      'compile is given an object as its step, expected a function; with a runtime call Program.compile(',
    );
    expect(await refusalOf(() => Program.compile(step as never, start as never, undefined as never))).toBe(
      'Program.compile is given a function as its runtime, expected one such as onnxRuntimeNode; without a runtime call compile(step, example)',
    );
  });

  it.each<[unknown, string]>([
    [
      { ...start, lr: 0.1 },
      "'lr' is 0.1, expected a tensor or a record of tensors; make it a tensor: tf.scalar(0.1)",
    ],
    [{ ...start, o: { k: 'adam' } }, "'o.k' is 'adam', expected a tensor or a record of tensors"],
    [{ ...start, m: new Map() }, "'m' is an object, expected a tensor or a record of tensors"],
  ])('an example with what is no tensor: %o', async (example, expected) => {
    expect(await refusalOf(() => compile(step as never, example as never))).toBe(expected);
  });

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'the step returns undefined, expected { state, metrics }'],
    [
      'no metrics',
      () => ({ state: start, loss: start.w }),
      "the step returns no metrics, expected { state, metrics }; it returns 'state', 'loss'",
    ],
    [
      'a misspelt name',
      () => ({ state: { W: start.w }, metrics: {} }),
      "the step returns 'w' as nothing, expected float32[2] as in the state it was given; it returns 'W' instead",
    ],
  ])('a step that returns %s', async (_, wrong, expected) => {
    expect(await refusalOf(() => compile(wrong as never, start))).toBe(expected);
  });

  it('an asynchronous step, whose promise is not left to reject unheard', async () => {
    // Vitest fails a run with an unhandled rejection.
    const late = async ({ w }: typeof start) => {
      await Promise.resolve();
      return step({ w: tf.square(w) as typeof start.w });
    };
    expect(await refusalOf(() => compile(late as never, start))).toContain('it must not be asynchronous');
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
});
