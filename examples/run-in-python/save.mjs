/**
 * @file Compiles a training step written in tfjs and saves it for Python: the program (`out/program.onnx`), the state to
 * begin with (`out/start.json`), and the losses that the program gives here (`out/losses.json`).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { ensureBuilt } from '../../scripts/lib-build.mjs';

ensureBuilt();
const { isHostTensor, leavesOf, onnxRuntimeNode, Program, randomStream, saveProgram } = await import(
  'optimal-grokking'
);

const STEPS = 20;
const POINTS = 256;

const random = randomStream(7, 'example');
const draws = (count, scale) =>
  Float32Array.from({ length: count }, () => scale * (2 * random.uniform() - 1));
const tensor = (data, shape) => ({ dtype: 'float32', shape, data });

/** Points of a square, and whether they lie inside of a circle. */
const points = draws(2 * POINTS, 1);
const inside = Float32Array.from({ length: POINTS }, (_, i) =>
  points[2 * i] ** 2 + points[2 * i + 1] ** 2 < 0.5 ? 1 : -1,
);

/** A network with one hidden layer: gradient descent with momentum on the squared error. */
function step({ params, momentum }) {
  const x = tf.tensor2d(points, [POINTS, 2]);
  const y = tf.tensor2d(inside, [POINTS, 1]);
  const names = Object.keys(params);
  const { value, grads } = tf.valueAndGrads((w1, b1, w2) => {
    const hidden = tf.tanh(tf.add(tf.matMul(x, w1), b1));
    return tf.mean(tf.square(tf.sub(tf.matMul(hidden, w2), y)));
  })(names.map((name) => params[name]));
  const each = (f) => Object.fromEntries(names.map((name, i) => [name, f(name, grads[i])]));
  const nextMomentum = each((name, gradient) => tf.add(tf.mul(momentum[name], 0.9), gradient));
  return {
    state: {
      params: each((name) => tf.sub(params[name], tf.mul(nextMomentum[name], 0.05))),
      momentum: nextMomentum,
    },
    metrics: { loss: value },
  };
}

const zeros = (...shape) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape);
const start = {
  params: { w1: tensor(draws(32, 1), [2, 16]), b1: zeros(16), w2: tensor(draws(16, 0.5), [16, 1]) },
  momentum: { w1: zeros(2, 16), b1: zeros(16), w2: zeros(16, 1) },
};

const out = join(fileURLToPath(new URL('.', import.meta.url)), 'out');
mkdirSync(out, { recursive: true });
const program = await Program.compile(onnxRuntimeNode, step, start);
await saveProgram(join(out, 'program.onnx'), program);
const { metrics } = await program.run(program.put(start), { steps: STEPS });
const write = (name, value) => writeFileSync(join(out, name), JSON.stringify(value));
write('losses.json', [...metrics.loss.data]);
write(
  'start.json',
  Object.fromEntries(
    leavesOf(start, isHostTensor).map(([path, { data, shape }]) => [path, { shape, data: [...data] }]),
  ),
);
await program.release();
console.log(
  `${STEPS} steps: loss ${metrics.loss.data[0].toFixed(4)} to ${metrics.loss.data.at(-1).toFixed(4)}`,
);
console.log(`saved in ${out}`);
