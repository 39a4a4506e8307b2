/**
 * @file The suite `truegrad`: what single examples' squared gradients cost. One full-batch training step of write-up 2's GPT
 * in the setting in which the optimisers are compared, with TrueGrad's AdamW in each form, against AdamW.
 *
 * The goal of 1.35 times AdamW's time is out of reach as long as S is formed in every step: a step of AdamW has 837 million
 * multiply-adds, one with S 1,313 million, since gradients of rows that are computed together have to stay apart, and each
 * square takes a product as large as the gradient's. The products between places, which `token` leaves out, are 2.4 % of them.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled } from './contenders.mjs';

const FORMS = /** @type {const} */ (['exact', 'token', 'released']);

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'truegrad',
  title: PRESETS['gpt-59'].title,
  baseline: 'adamw',
  preset: PRESETS['gpt-59'],
  contenders: (options) => [
    compiled('adamw', 'this project: AdamW', 'reduced', options),
    ...FORMS.map((trueGrad) =>
      compiled(`tgadamw-${trueGrad}`, `this project: TrueGrad’s AdamW, ${trueGrad} squares`, 'reduced', {
        ...options,
        trueGrad,
      }),
    ),
  ],
};

export const truegrad = {
  title: `TrueGrad’s AdamW against AdamW: a training step of ${suite.title}`,
  /** @param {import('../harness/steps.mjs').Context} context */
  measure: (context) => measureSteps(suite, { ...context, peers: false }),
};
