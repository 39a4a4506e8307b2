import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileFunction, type HostTensor } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { filled } from './kernels/arbitraries';

/** A scalar function, in tfjs and once more in plain double precision. */
interface Composite {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly plain: (...inputs: Float64Array[]) => number;
}

const ROWS = 6;
const [IN, HIDDEN, CLASSES] = [4, 5, 3];
const LABELS = [0, 2, 1, 1, 0, 2];

/** [rows, inner] · [inner, columns] in double precision. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const inner = a.length / rows;
  return Float64Array.from({ length: rows * columns }, (_, place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum += (a[row * inner + k] as number) * (b[k * columns + column] as number);
    return sum;
  });
}

const rowsOf = (data: Float64Array, width: number) =>
  Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));
const total = (data: ArrayLike<number>) => Array.from(data).reduce((sum, x) => sum + x, 0);

const COMPOSITES: readonly Composite[] = [
  {
    name: 'cross-entropy of a network with one hidden layer',
    shapes: [[ROWS, IN], [IN, HIDDEN], [HIDDEN], [HIDDEN, CLASSES]],
    f: (x, w, b, v) => {
      const hidden = tf.relu(tf.add(tf.matMul(x, w), b)); // [rows, hidden]
      const logits = tf.matMul(hidden, v); // [rows, classes]
      const labels = tf.oneHot(LABELS, CLASSES, 1, 0, 'float32');
      return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), labels)));
    },
    plain: (x, w, b, v) => {
      const before = product(x as Float64Array, w as Float64Array, ROWS, HIDDEN);
      const hidden = before.map((value, i) =>
        Math.max(0, value + ((b as Float64Array)[i % HIDDEN] as number)),
      );
      const logits = rowsOf(product(hidden, v as Float64Array, ROWS, CLASSES), CLASSES);
      return total(
        logits.map((row, i) => Math.log(total(row.map(Math.exp))) - (row[LABELS[i] as number] as number)),
      );
    },
  },
  {
    name: 'logistic loss by log1p and expm1 of rows taken by index',
    shapes: [[IN, HIDDEN], [HIDDEN]],
    f: (table, w) => {
      const rows = tf.gather(table, tf.tensor1d(LABELS, 'int32')); // [rows, hidden]
      const margins = tf.sum(tf.mul(rows, w), 1); // [rows]
      return tf.add(tf.sum(tf.log1p(tf.exp(tf.neg(margins)))), tf.mean(tf.expm1(tf.mul(margins, 0.1))));
    },
    plain: (table, w) => {
      const rows = rowsOf(table as Float64Array, HIDDEN);
      const margins = LABELS.map((label) =>
        total((rows[label] as Float64Array).map((x, i) => x * ((w as Float64Array)[i] as number))),
      );
      const losses = margins.map((margin) => Math.log1p(Math.exp(-margin)));
      return total(losses) + total(margins.map((margin) => Math.expm1(margin * 0.1))) / margins.length;
    },
  },
  {
    name: 'normalised rows through tanh and sigmoid',
    shapes: [[ROWS, IN]],
    f: (x) => {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), 1e-5));
      const y = tf.mul(centred, scale); // [rows, in]
      return tf.sum(tf.mul(tf.tanh(y), tf.sigmoid(tf.concat([...tf.split(y, IN, 1)].reverse(), 1))));
    },
    plain: (x) =>
      total(
        rowsOf(x as Float64Array, IN).map((row) => {
          const mean = total(row) / IN;
          const centred = row.map((value) => value - mean);
          const scale = 1 / Math.sqrt(total(centred.map((value) => value * value)) / IN + 1e-5);
          const y = centred.map((value) => value * scale);
          return total(y.map((value, i) => Math.tanh(value) / (1 + Math.exp(-(y[IN - 1 - i] as number)))));
        }),
      ),
  },
];

/** Central differences in double precision: an error of about 1e-10 for functions of this size. */
function differences(plain: Composite['plain'], inputs: readonly HostTensor[]): Float64Array[] {
  const doubles = inputs.map(({ data }) => Float64Array.from(data));
  const step = 1e-5;
  return doubles.map((own, which) =>
    own.map((_, element) => {
      const moved = (by: number) => {
        const copies = doubles.map((double) => double.slice());
        (copies[which] as Float64Array)[element] = (own[element] as number) + by;
        return plain(...copies);
      };
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

describe('gradients in a compiled function equal finite differences of', () => {
  it.each(COMPOSITES)('$name', async ({ shapes, f, plain }) => {
    // Multiples of 1/16 moved off the kink of relu.
    const inputs = shapes.map((shape, i) => {
      const tensor = filled(shape, 'float32', { low: -1, high: 1 }, i + 1);
      return { ...tensor, data: Float32Array.from(tensor.data, (x) => x + 0.0123) };
    });
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (given) => {
        const { value, grads } = tf.valueAndGrads((...tensors) => f(...tensors) as tf.Scalar)(given);
        return [value, ...grads];
      },
      inputs,
    );
    const [value, ...grads] = await compiled.run(inputs);
    await compiled.release();
    expect(value?.data[0]).toBeCloseTo(plain(...inputs.map(({ data }) => Float64Array.from(data))), 5);
    const expected = differences(plain, inputs);
    expect(grads).toHaveLength(expected.length);
    grads.forEach(({ data }, i) => {
      expect(data).toMatchReference(expected[i] as Float64Array, 1e-5);
    });
  });
});
