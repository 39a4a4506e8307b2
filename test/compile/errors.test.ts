import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, cond } from '../../lib/compile';
import { withSource } from '../../lib/compile/errors';
import { functionModel } from '../../lib/compile/onnx/programs';
import { messageOf } from '../support/one-line';
import { float, graphOf } from './passes/graphs';

/** The message with which tracing a function of a float32[2, 3] and compiling it is refused. */
const refused = (f: (x: tf.Tensor) => tf.Tensor) =>
  messageOf(CompileError, () => functionModel(graphOf(f, float(2, 3))));

/** What a message says after the last semicolon: this file and the line. */
const HERE = /; called at [^;\n]*errors\.test\.ts:\d+:\d+$/;

describe('an error names the operation, its shapes and the line', () => {
  it.each<[string, (x: tf.Tensor) => tf.Tensor, string]>([
    [
      'an operation without lowering',
      (x) => tf.unique(x, 0).values,
      "'Unique' on (float32[2, 3]) cannot be compiled",
    ],
    [
      'a type that it does not take',
      (x) => tf.mod(tf.cast(x, 'bool'), tf.cast(x, 'bool')),
      "'Mod' on (bool[2, 3], bool[2, 3])",
    ],
    [
      'what its lowering refuses',
      (x) => tf.gather(x, tf.tensor1d([0, 7], 'int32')),
      "'GatherV2' on (float32[2, 3], int32[2]) cannot be compiled: the index 7 is not in [0, 2)",
    ],
    [
      'a value that is read',
      (x) => tf.mul(x, tf.max(tf.abs(x)).dataSync()[0] as number),
      "reads the value of a traced tensor (float32[], the result of 'Max')",
    ],
    [
      'an operation in a branch',
      (x) =>
        cond(
          tf.greater(tf.sum(x), 0),
          () => ({ y: tf.unique(x, 0).values }),
          () => ({ y: x }),
        ).y,
      "'Unique' on (float32[2, 3])",
    ],
  ])('%s', (_, f, expected) => {
    const message = refused(f);
    expect(message).toContain(expected);
    expect(message).toMatch(HERE);
  });
});

describe('a random tensor of tfjs in a trace is refused: its numbers would be frozen', () => {
  const shape: [number, number] = [2, 3];
  it.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['randomNormal', () => tf.randomNormal(shape)],
    ['randomNormal', () => tf.randomNormal(shape, 0, 1, 'float32', 7)],
    ['randomStandardNormal', () => tf.randomStandardNormal(shape)],
    ['randomUniform', () => tf.randomUniform(shape)],
    ['randomUniformInt', () => tf.cast(tf.randomUniformInt(shape, 0, 9), 'float32')],
    ['randomGamma', () => tf.randomGamma(shape, 2)],
    ['truncatedNormal', () => tf.truncatedNormal(shape)],
    ['rand', () => tf.rand(shape, () => 0.5)],
    ['dropout', (x) => tf.dropout(x, 0.5)],
  ])('%s', (name, f) => {
    const message = refused((x) => tf.add(x, f(x)));
    expect(message).toContain(`the operation '${name}' (`);
    expect(message).toContain(
      '[2, 3]) cannot be compiled: its numbers would be drawn once and frozen into the program',
    );
    expect(message).toContain('use randomNormal, randomUniform or dropout of this package');
    expect(message).toMatch(HERE);
  });

  it('also where tfjs draws for a gradient or in a branch', () => {
    expect(refused(tf.grad((x) => tf.sum(tf.dropout(x, 0.5)) as tf.Tensor))).toContain("'dropout'");
    const drawn = (x: tf.Tensor) => ({ y: tf.mul(x, tf.randomUniform([2, 3])) });
    expect(
      refused(
        (x) =>
          cond(
            tf.greater(tf.sum(x), 0),
            () => drawn(x),
            () => drawn(x),
          ).y,
      ),
    ).toContain("'randomUniform'");
  });

  it('but not one drawn before, nor data that the step makes itself', () => {
    const noise = tf.randomNormal(shape, 0, 1, 'float32', 7);
    expect(graphOf((x) => tf.add(x, noise), float(2, 3)).nodes).toHaveLength(1);
    expect(graphOf((x) => tf.add(x, tf.tensor2d([1, 2, 3, 4, 5, 6], shape)), float(2, 3)).nodes).toHaveLength(
      1,
    );
    noise.dispose();
  });
});

describe('withSource', () => {
  const thrown = (error: unknown, source?: string) => {
    try {
      return withSource(source, () => {
        throw error;
      });
    } catch (caught) {
      return caught as Error;
    }
  };

  it('adds the line once, the innermost, and keeps the cause', () => {
    const inner = new CompileError('no such operation');
    const error = thrown(inner, 'a.ts:1:2');
    expect(error).toMatchObject({
      message: 'no such operation; called at a.ts:1:2',
      source: 'a.ts:1:2',
      cause: inner,
    });
    expect(thrown(error, 'b.ts:3:4')).toBe(error);
  });

  it('leaves other errors, and those without a line to add', () => {
    const [other, own] = [new RangeError('x'), new CompileError('y')];
    expect(thrown(other, 'a.ts:1:2')).toBe(other);
    expect(thrown(own)).toBe(own);
  });
});
