/** @file The suite `mlp`: one full-batch training step of a two-layer network on addition mod 97 (see `models/mlp.mjs`). */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled, peers, roofline } from './contenders.mjs';

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'mlp',
  title: PRESETS.mlp.title,
  baseline: 'compiled',
  preset: PRESETS.mlp,
  contenders: (options) => [
    compiled('compiled', 'this project: rows looked up, compiled', 'reduced', options),
    compiled('compiled-plain', 'this project: products with one-hot rows, compiled', 'plain', options),
    roofline('mlp', options),
    ...peers('products with one-hot rows', 'rows looked up', options),
  ],
};

export const mlp = {
  title: `a training step of ${suite.title}`,
  measure: measureSteps.bind(undefined, suite),
};
