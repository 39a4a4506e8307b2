/**
 * @file Gradients of cumulative sums and products and of `prod`. tfjs's of `cumsum` turns its result round for any axis but
 * the last; its `prod` is wrong for negative axes; `cumprod` has none.
 */
import * as tf from '@tensorflow/tfjs-core';

interface ScanAttributes {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/** The attributes with an axis counted from the front, the only kind that tfjs's CPU backend takes. */
function normalized(attrs: tf.NamedAttrMap, rank: number): ScanAttributes {
  const { axis, exclusive, reverse } = attrs as unknown as ScanAttributes;
  return { axis: axis < 0 ? axis + rank : axis, exclusive, reverse };
}

const cumsum: tf.GradConfig = {
  kernelName: tf.Cumsum,
  gradFunc: (dy, _, attrs) => {
    const given = dy as tf.Tensor;
    const { axis, exclusive, reverse } = normalized(attrs, given.rank);
    return { x: () => tf.cumsum(given, axis, exclusive, !reverse) };
  },
};

/** x moved by `by` places along an axis, towards its end for positive `by`; `fill` where nothing comes from. */
function shifted(x: tf.Tensor, axis: number, by: number, fill: number): tf.Tensor {
  const length = x.shape[axis] as number;
  const distance = Math.min(Math.abs(by), length);
  const begin = x.shape.map((_, i) => (i === axis && by < 0 ? distance : 0));
  const size = x.shape.map((d, i) => (i === axis ? length - distance : d));
  const paddings = x.shape.map((_, i): [number, number] => {
    if (i !== axis) return [0, 0];
    return by < 0 ? [0, distance] : [distance, 0];
  });
  return tf.pad(tf.slice(x, begin, size), paddings, fill);
}

/**
 * s with s_i = b_i + a_i·s_{i+1}, from the far end of the axis on (towards `direction`): pairs (a, b) are composed over
 * windows whose length doubles (Blelloch, Prefix sums and their applications, 1990, section 1.4).
 */
function linearRecurrence(a: tf.Tensor, b: tf.Tensor, axis: number, direction: 1 | -1): tf.Tensor {
  const length = a.shape[axis] as number;
  let [factor, sum] = [a, b];
  for (let window = 1; window < length; window *= 2) {
    const ahead = (x: tf.Tensor, fill: number) => shifted(x, axis, -direction * window, fill);
    sum = tf.add(sum, tf.mul(factor, ahead(sum, 0)));
    factor = tf.mul(factor, ahead(factor, 0));
  }
  return sum;
}

/**
 * With p_i the product of all before x_i, dx_i = p_i·s_i, where s_i = dy_i + x_{i+1}·s_{i+1} collects the results that x_i
 * is a factor of, divided by it without a division: right where factors are 0.
 */
function cumprodGradient(x: tf.Tensor, dy: tf.Tensor, attrs: ScanAttributes): tf.Tensor {
  const { axis, exclusive, reverse } = attrs;
  const direction = reverse ? -1 : 1;
  const before = tf.cumprod(x, axis, true, reverse);
  const next = shifted(x, axis, -direction, 0);
  // The i-th result of an exclusive product has the factors before i only.
  const given = exclusive ? shifted(dy, axis, -direction, 0) : dy;
  return tf.mul(before, linearRecurrence(next, given, axis, direction));
}

const cumprod: tf.GradConfig = {
  kernelName: tf.Cumprod,
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    return {
      x: () => cumprodGradient(tf.cast(x, 'float32'), dy as tf.Tensor, normalized(attrs, x.rank)),
    };
  },
};

/** The product of all others, from both ends, along one axis that stands for those reduced. */
const prod: tf.GradConfig = {
  kernelName: tf.Prod,
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const axes = tf.util.parseAxisParam((attrs.axis ?? null) as number | number[], x.shape);
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = [...kept, ...axes];
    const back = order.map((_, i) => order.indexOf(i));
    const outer = kept.map((i) => x.shape[i] as number);
    return {
      x: () => {
        const turned = tf.transpose(tf.cast(x, 'float32'), order);
        const rows = tf.reshape(turned, [
          ...outer,
          tf.util.sizeFromShape(axes.map((i) => x.shape[i] as number)),
        ]);
        const last = kept.length;
        const others = tf.mul(tf.cumprod(rows, last, true, false), tf.cumprod(rows, last, true, true));
        const slope = tf.mul(others, tf.reshape(dy as tf.Tensor, [...outer, 1]));
        return tf.transpose(tf.reshape(slope, turned.shape), back);
      },
    };
  },
};

export const scanGradients: readonly tf.GradConfig[] = [cumsum, cumprod, prod];
