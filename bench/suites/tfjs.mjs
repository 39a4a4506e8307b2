/**
 * @file The suite `tfjs`: the same tfjs code compiled, and run eagerly on tfjs's own backends. The model is small,
 * because at write-up 2's size a step takes tfjs's JavaScript backend over a minute and its wasm backend ten seconds.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled } from './contenders.mjs';

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'tfjs',
  title: PRESETS['gpt-small'].title,
  baseline: 'compiled',
  preset: PRESETS['gpt-small'],
  contenders(options) {
    const [reduced, written] = ['the hand-reduced model', 'write-up 2 as written'];
    const on = (/** @type {string} */ device) => ({ ...options, device: `tfjs:${device}` });
    return [
      compiled('compiled', 'this project: the hand-reduced model, compiled', 'reduced', options),
      compiled('compiled-plain', 'this project: the model written plainly, compiled', 'plain', options),
      compiled('tfjs-cpu-reduced', `${reduced}, tfjs’s JavaScript backend`, 'reduced', on('cpu')),
      compiled('tfjs-cpu-as-written', `${written}, tfjs’s JavaScript backend`, 'one-hot', on('cpu')),
      // The wasm backend has no gradient of a look-up, so the model that needs one does not run there.
      compiled('tfjs-wasm-as-written', `${written}, tfjs’s wasm backend`, 'one-hot', on('wasm')),
      compiled('tfjs-node-reduced', `${reduced}, tfjs on TensorFlow`, 'reduced', on('node')),
      compiled('tfjs-node-as-written', `${written}, tfjs on TensorFlow`, 'one-hot', on('node')),
    ];
  },
};

export const tfjs = {
  title: `tfjs’s own backends, on ${suite.title}`,
  measure: measureSteps.bind(undefined, suite),
};
