/**
 * @file Functions that tfjs lacks and models need. Each runs eagerly, on any tfjs backend, and in a compiled step. They
 * have first derivatives only, as have tfjs's own exp or tanh: its tape does not follow what a gradient has saved.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from './errors';
import { describe } from './graph';
import { callSite } from './trace/call-site';

/**
 * The same tensor, through which no gradient flows: for the gradient tape it depends on nothing but a constant, because
 * tfjs does not record what runs inside the forward pass of `customGrad`.
 */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  const detached = tf.customGrad(() => ({ value: tf.clone(x), gradFunc: () => tf.scalar(0) }));
  return detached(tf.scalar(0)) as T;
}

export interface GeluOptions {
  /** `'none'` for the exact function, `'tanh'` for its usual approximation: PyTorch's names, and its default. */
  readonly approximate?: 'none' | 'tanh';
}

/**
 * Gaussian error linear unit, x·Φ(x) with Φ the standard normal distribution function, element by element.
 * With `approximate: 'tanh'`, x/2·(1 + tanh(√(2/π)(x + 0.044715x³))), which differs by up to 5e-4.
 * @param x Any shape, float32.
 * @throws CompileError for another type of x or another name of `approximate`.
 * @see Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415
 */
export function gelu<T extends tf.Tensor>(x: T, { approximate = 'none' }: GeluOptions = {}): T {
  checkFloat('gelu', x);
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new CompileError(`approximate of gelu is ${shown(approximate)}, expected 'none' or 'tanh'`, {
      source: callSite(),
    });
  }
  return (approximate === 'tanh' ? geluByTanh(x) : geluExact(x)) as T;
}

/** Its gradient is Φ(x) + x·φ(x) with the normal density φ: two products fewer than the tape would make of it. */
const geluExact = tf.customGrad((x, save) => {
  const given = x as tf.Tensor;
  const phi = tf.mul(0.5, tf.add(1, tf.erf(tf.mul(given, Math.SQRT1_2))));
  (save as tf.GradSaveFunc)([given, phi]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [z, distribution] = saved as [tf.Tensor, tf.Tensor];
    const density = tf.mul(1 / Math.sqrt(2 * Math.PI), tf.exp(tf.mul(-0.5, tf.square(z))));
    return tf.mul(dy, tf.add(distribution, tf.mul(z, density)));
  };
  return { value: tf.mul(given, phi), gradFunc };
});

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

const geluByTanh = tf.customGrad((x, save) => {
  const given = x as tf.Tensor;
  const square = tf.square(given);
  const inner = tf.mul(given, tf.add(TANH_SCALE, tf.mul(TANH_SCALE * TANH_CUBIC, square)));
  const t = tf.tanh(inner);
  (save as tf.GradSaveFunc)([given, square, t]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [z, squared, tanh] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const slope = tf.add(TANH_SCALE, tf.mul(3 * TANH_SCALE * TANH_CUBIC, squared));
    const change = tf.mul(tf.mul(z, slope), tf.sub(1, tf.square(tanh)));
    return tf.mul(dy, tf.mul(0.5, tf.add(tf.add(1, tanh), change)));
  };
  return { value: tf.mul(tf.mul(0.5, given), tf.add(1, t)), gradFunc };
});

/**
 * Sigmoid linear unit, also called swish: x·σ(x), element by element.
 * @param x Any shape, float32.
 * @throws CompileError for another type of x.
 * @see Elfwing, Uchibe and Doya, arXiv:1702.03118
 */
export function silu<T extends tf.Tensor>(x: T): T {
  checkFloat('silu', x);
  return siluWithGradient(x) as T;
}

function checkFloat(name: string, x: tf.Tensor): void {
  if (x instanceof tf.Tensor && x.dtype === 'float32') return;
  const given = x instanceof tf.Tensor ? describe(x) : shown(x);
  throw new CompileError(
    `${name} is given ${given}, expected a float32 tensor; tf.cast(x, 'float32') makes one`,
    {
      source: callSite(),
    },
  );
}

const siluWithGradient = tf.customGrad((x, save) => {
  const given = x as tf.Tensor;
  const sigmoid = tf.sigmoid(given);
  const value = tf.mul(given, sigmoid);
  (save as tf.GradSaveFunc)([sigmoid, value]);
  // σ + x·σ·(1 − σ)
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [s, y] = saved as [tf.Tensor, tf.Tensor];
    return tf.mul(dy, tf.add(s, tf.mul(y, tf.sub(1, s))));
  };
  return { value, gradFunc };
});
