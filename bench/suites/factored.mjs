/**
 * @file The suite `factored`: what it costs to train matrices as U·diag(σ)·Vᵀ. One full-batch training step of write-up 2's GPT
 * in the setting of the interventions on singular values, with its hidden matrices factored and with all of them, against plain.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { asRun } from './contenders.mjs';

const OPTIONS = {
  preset: 'gpt',
  modulus: 59,
  trainFraction: 0.5,
  learningRate: 3e-3,
  weightDecay: 3,
  seed: 0,
};

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'factored',
  title: PRESETS['gpt-59'].title,
  baseline: 'plain',
  preset: PRESETS['gpt-59'],
  contenders: (how) => [
    asRun('plain', 'this project: matrices as they are', OPTIONS, how),
    asRun(
      'hidden',
      'this project: those of attention and MLP factored',
      { ...OPTIONS, factored: 'hidden' },
      how,
    ),
    asRun('all', 'this project: all of them factored', { ...OPTIONS, factored: 'all' }, how),
  ],
};

export const factored = {
  title: `factored matrices against plain ones: a training step of ${suite.title}`,
  /** @param {import('../harness/steps.mjs').Context} context */
  measure: (context) => measureSteps(suite, { ...context, peers: false }),
};
