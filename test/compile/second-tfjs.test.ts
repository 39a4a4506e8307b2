import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { compileFunction, type HostTensor, type Step } from '../../lib/compile';
import { openDevice } from '../../lib/compile/devices.node';
import { GRADIENTS } from '../../lib/compile/gradients';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { makeDataset } from '../../lib/data/dataset';
import { saveDatasetCsv } from '../../lib/data/dataset-csv.node';
import { valueAndGrads } from '../../lib/models/params';
import { temporaryFolder } from '../support/temporary';
import { host } from './kernels/arbitraries';

const folder = temporaryFolder();
// The copy that danfo.js brings, found from there.
const require = createRequire(createRequire(import.meta.url).resolve('danfojs-node'));
const copy = require.resolve('@tensorflow/tfjs-node');

const theirs = () =>
  GRADIENTS.filter((gradient) => tf.getGradient(gradient.kernelName) !== gradient).map(
    ({ kernelName }) => kernelName,
  );

/** d/dx Σ max(x, b)² of x [2, 3] and b [3]: tfjs's gradient of b has the shape of x, so that this is an error. */
const x = host([1, 2, 3, 4, 5, 6], [2, 3]);
const b = host([2, 2, 9]);
const f = (given: tf.Tensor) => tf.sum(tf.square(tf.maximum(tf.tensor(x.data, [2, 3]), given))) as tf.Scalar;
// b is larger in the first row of column 0; equal in that of column 1, where the gradient goes to x; larger twice in column 2.
const EXPECTED = [4, 0, 36];

describe('a second copy of tfjs that is loaded after the package', () => {
  beforeEach(() => {
    delete require.cache[copy];
    require(copy);
  });

  it('replaces gradients of the package', () => {
    expect(theirs()).toEqual(expect.arrayContaining(['AvgPool', 'Cumsum', 'FloorDiv', 'Maximum', 'Unpack']));
  });

  it('changes nothing in what is compiled', async () => {
    const gradient = await compileFunction(onnxRuntimeNode, ([given]) => [tf.grad(f)(given as tf.Tensor)], [
      b,
    ]);
    const [result] = await gradient.run([b]);
    await gradient.release();
    expect([...(result as HostTensor).data]).toEqual(EXPECTED);
    expect(theirs()).toEqual([]);
  });

  it('changes nothing in an eager step', async () => {
    const step = (state: { b: tf.Tensor }) => ({ state: { b: tf.grad(f)(state.b) }, metrics: {} });
    const program = await (await openDevice('tfjs:cpu')).compile(step as Step, { b });
    const { state } = await program.run(program.put({ b }), { steps: 1 });
    expect([...(await program.get<{ b: HostTensor }>(state)).b.data]).toEqual(EXPECTED);
    expect(theirs()).toEqual([]);
  });

  it('changes nothing in the gradients of parameters', () => {
    const params = { b: tf.tensor(b.data) };
    const { grads } = valueAndGrads((given: typeof params) => f(given.b), params);
    expect([...grads.b.dataSync()]).toEqual(EXPECTED);
    expect(theirs()).toEqual([]);
  });
});

describe('danfo.js', () => {
  it('leaves the gradients as they are where the package itself loads it', async () => {
    delete require.cache[copy];
    await saveDatasetCsv(makeDataset({ operation: 'add', modulus: 3 }), `${folder}/add-3.csv`);
    expect(Object.keys(require.cache)).toContain(copy);
    expect(theirs()).toEqual([]);
  });
});
