/**
 * @file The suite `arms`: a training step of every arm of the comparison of optimisers, as its runs have it, all in turn. The
 * comparison takes its seconds from here: `--json output/published/truegrad/step-times.json`.
 */
import { fileURLToPath } from 'node:url';
import { readComparison } from 'optimal-grokking/dist/sweep/comparison/folder.js';
import { chooseTrials } from 'optimal-grokking/dist/sweep/comparison/plan.js';
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { asRun } from './contenders.mjs';

const folder = fileURLToPath(new URL('../../output/published/truegrad', import.meta.url));

/** Each arm's options, with the tuned learning rate and decay, or a trial of its grid where it is not tuned yet. */
function armOptions() {
  const { protocol, records } = readComparison(folder);
  const choices = chooseTrials(protocol, records.tune);
  return protocol.arms.map((arm) => {
    const choice = choices.find((one) => one.arm === arm.name);
    const [learningRate, weightDecay] = choice
      ? [choice.learningRate, choice.weightDecay]
      : /** @type {readonly number[]} */ (arm.grid[Math.floor(arm.grid.length / 2)]);
    const options = { ...protocol.base, ...arm.options, learningRate, weightDecay, seed: 0 };
    return { name: arm.name, title: arm.title, options };
  });
}

/** @type {import('../harness/steps.mjs').StepSuite} */
const suite = {
  name: 'arms',
  title: PRESETS['gpt-59'].title,
  baseline: 'adamw',
  preset: PRESETS['gpt-59'],
  contenders: (how) =>
    armOptions().map(({ name, title, options }) => asRun(name, `this project: ${title}`, options, how)),
};

export const arms = {
  title: 'every arm of the comparison of optimisers: a training step, all in turn',
  /** @param {import('../harness/steps.mjs').Context} context */
  measure: (context) => measureSteps(suite, { ...context, peers: false }),
};
