/**
 * @file The suite `gpt`: one full-batch training step of write-up 2's one-block GPT on addition mod 113, width 128, 512
 * hidden units, with AdamW and without validation.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled, peer, peers, roofline } from './contenders.mjs';

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'gpt',
  title: PRESETS.gpt.title,
  baseline: 'compiled',
  preset: PRESETS.gpt,
  contenders(options) {
    const { python } = options;
    const [written, reduced] = ['write-up 2 as written', 'the hand-reduced model'];
    const sdpa = 'the same with PyTorch’s default scaled_dot_product_attention kernel';
    return [
      compiled('compiled', 'this project: the hand-reduced model, compiled', 'reduced', options),
      compiled('compiled-plain', 'this project: the model written plainly, compiled', 'plain', options),
      roofline('gpt', options),
      compiled('tfjs-node-as-written', `${written}, tfjs on TensorFlow`, 'one-hot', {
        ...options,
        device: 'tfjs:node',
      }),
      ...peers(written, reduced, options),
      ...(python === undefined
        ? []
        : [
            peer('torch-as-written-sdpa', sdpa, 'torch', 'as-written', { ...options, python }, [
              '--attention',
              'default',
            ]),
          ]),
    ];
  },
};

export const gpt = {
  title: `a training step of ${suite.title}`,
  measure: measureSteps.bind(undefined, suite),
};
