/**
 * @file The suite `tfjs`: the same tfjs code compiled, and run eagerly on tfjs's own backends. The model is small,
 * because at write-up 2's size a step takes tfjs's JavaScript backend over a minute and its wasm backend ten seconds.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled, eager } from './contenders.mjs';

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'tfjs',
  title: PRESETS['gpt-small'].title,
  baseline: 'compiled',
  preset: PRESETS['gpt-small'],
  contenders: (options) => [
    compiled('compiled', 'this project: the hand-reduced model, compiled', 'reduced', options),
    compiled('compiled-plain', 'this project: the model written plainly, compiled', 'plain', options),
    eager('tfjs-cpu-reduced', 'the hand-reduced model, tfjs’s JavaScript backend', 'reduced', 'cpu', options),
    eager(
      'tfjs-cpu-as-written',
      'write-up 2 as written, tfjs’s JavaScript backend',
      'one-hot',
      'cpu',
      options,
    ),
    // The wasm backend has no gradient of a look-up, so the model that needs one does not run there.
    eager('tfjs-wasm-as-written', 'write-up 2 as written, tfjs’s wasm backend', 'one-hot', 'wasm', options),
    eager('tfjs-node-reduced', 'the hand-reduced model, tfjs on TensorFlow', 'reduced', 'node', options),
    eager('tfjs-node-as-written', 'write-up 2 as written, tfjs on TensorFlow', 'one-hot', 'node', options),
  ],
};

export const tfjs = {
  title: `tfjs’s own backends, on ${suite.title}`,
  measure: measureSteps.bind(undefined, suite),
};
