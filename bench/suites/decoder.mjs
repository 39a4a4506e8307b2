/**
 * @file The suite `decoder`: one full-batch training step of write-up 1's decoder on 2,000 pairs mod 97, with dropout, AdamW
 * and without validation, in three sizes of its grid.
 */
import { measureSteps } from '../harness/steps.mjs';
import { PRESETS } from '../presets.mjs';
import { compiled, peer } from './contenders.mjs';

/** @param {import('../presets.mjs').Preset} preset @returns {import('../harness/steps.mjs').StepSuite} */
const suiteOf = (preset) => ({
  name: preset.name,
  title: preset.title,
  baseline: 'compiled',
  preset,
  contenders({ python, ...options }) {
    const [written, reduced] = ['write-up 1 as written, causal', 'the hand-reduced model'];
    return [
      compiled('compiled', 'this project: the hand-reduced model, compiled', 'reduced', options),
      compiled('compiled-plain', 'this project: the model written plainly, compiled', 'plain', options),
      ...(python === undefined
        ? []
        : [
            peer('torch-as-written', `${written}, PyTorch eager`, 'torch', 'as-written', {
              ...options,
              python,
            }),
            peer('torch-reduced', `${reduced}, PyTorch eager`, 'torch', 'reduced', { ...options, python }),
          ]),
    ];
  },
});

const SUITES = [PRESETS['decoder-64-256'], PRESETS['decoder-128-512'], PRESETS['decoder-256-2048']].map(
  suiteOf,
);

/**
 * @param {import('../harness/steps.mjs').Context} context
 * @returns {AsyncGenerator<import('../harness/report.mjs').Section>}
 */
async function* measure(context) {
  for (const suite of SUITES) yield* measureSteps(suite, context);
}

export const decoder = {
  title: 'a training step of write-up 1’s decoder, widths 64, 128 and 256, 2,000 rows, dropout 0.1',
  measure,
};
