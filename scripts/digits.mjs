/**
 * @file `npm run digits`: the check of the TrueGrad optimisers on handwritten digits, as `output/published/digits/protocol.json`
 * says. Every run that is not in `runs.csv` yet is made and written there, so it may be stopped and started again at any
 * moment; one such command at a time. Runs made with another protocol do not count. With names after `--`, such as `mlp`, only
 * those models. One thread; a run takes seconds.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readArguments, runCommand, UsageError } from './jupyter/command.mjs';
import { ensureBuilt, root } from './lib-build.mjs';
import { libraryCommit } from './library-commit.mjs';

const USAGE = 'Usage: npm run digits [-- MODEL …], for example mlp.';

await runCommand(async () => {
  const { positionals: names } = readArguments({ options: {}, allowPositionals: true }, USAGE);
  ensureBuilt();
  const require = createRequire(import.meta.url);
  const { DigitsFolder } = require('optimal-grokking/dist/train/digits-results.node.js');
  const folder = DigitsFolder.open(join(root, 'output', 'published', 'digits'));
  try {
    const unknown = names.find((name) => !folder.protocol.models.includes(name));
    if (unknown !== undefined) {
      throw new UsageError(
        `'${unknown}' is no model of the protocol: ${folder.protocol.models.join(', ')}. ${USAGE}`,
      );
    }
    await carryOut(folder, { names, require });
  } finally {
    folder.close();
  }
});

/**
 * Makes the runs that are missing, and says what all have come to.
 *
 * @param {import('../lib/train/digits-results.node').DigitsFolder} folder
 * @param {{ names: string[], require: NodeJS.Require }} options the models, or none for all
 */
async function carryOut(folder, { names, require }) {
  const { loadDigits, onnxRuntimeNode, runEnvironment, splitDigits } = require('optimal-grokking');
  const { chosenLearningRate, digitsOutcome } = require('optimal-grokking/dist/analysis/digits-outcome.js');
  const { openDigitsTrainer, selectImages } = require('optimal-grokking/dist/train/digits.js');
  const {
    DIGITS_MODELS,
    digitsStepsAnEpoch,
    optimizerOf,
    trueGradOf,
  } = require('optimal-grokking/dist/train/digits-protocol.js');
  const { protocol } = folder;
  const commit = libraryCommit();
  if (folder.leftAside > 0) {
    console.error(`${folder.leftAside} runs were made with another protocol and do not count.`);
  }

  const digits = await loadDigits();
  const split = splitDigits(digits, { seed: protocol.splitSeed });
  const parts = {
    tuning: { train: split.train, validation: split.tuning },
    test: { train: Int32Array.of(...split.train, ...split.tuning), validation: split.test },
  };

  /** Makes the runs of one stage that are missing. */
  const runStage = async (
    /** @type {'tuning' | 'test'} */ stage,
    /** @type {string} */ model,
    /** @type {{ name: string }} */ arm,
    /** @type {number[]} */ learningRates,
  ) => {
    const keys = learningRates
      .flatMap((learningRate) =>
        protocol[`${stage}Seeds`].map((/** @type {number} */ seed) => ({
          stage,
          model,
          arm: arm.name,
          learningRate,
          seed,
        })),
      )
      .filter((key) => !folder.has(key));
    if (keys.length === 0) return;
    const { batchSize, epochs, evaluationsPerEpoch } = protocol;
    const stepsAnEpoch = digitsStepsAnEpoch(protocol, stage);
    const trainer = await openDigitsTrainer(
      onnxRuntimeNode,
      {
        model: DIGITS_MODELS[model](),
        optimizer: optimizerOf(arm),
        train: selectImages(digits, parts[stage].train),
        validation: selectImages(digits, parts[stage].validation),
        batchSize,
        evalEvery: stepsAnEpoch / evaluationsPerEpoch[stage],
        trueGrad: trueGradOf(arm),
      },
      { threads: 1 },
    );
    for (const key of keys) {
      const began = performance.now();
      const { learningRate, seed } = key;
      const history = await trainer.run({ learningRate, seed, steps: epochs * stepsAnEpoch });
      const run = folder.add(key, history, commit);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const share = `${(100 * run.accuracy).toFixed(1)} %`;
      console.error(
        `${model}, ${arm.name}, ${stage}, lr ${learningRate}, seed ${seed}: ${share}, ${seconds} s`,
      );
    }
    await trainer.release();
  };

  for (const model of names.length > 0 ? names : protocol.models) {
    for (const arm of protocol.arms) {
      await runStage('tuning', model, arm, protocol.learningRates);
      const { learningRate } = chosenLearningRate(folder.runs, { model, arm: arm.name });
      await runStage('test', model, arm, [learningRate]);
    }
  }

  const outcome = digitsOutcome(folder.runs);
  if (outcome.length === protocol.models.length * protocol.arms.length) {
    folder.summarize(outcome, runEnvironment({ threads: 1 }));
  }
  for (const { model, arm, learningRate, atEdge, median, lowest, highest } of outcome) {
    const [middle, low, high] = [median, lowest, highest].map((share) => (100 * share).toFixed(2));
    const edge = atEdge ? ', the last that was tried' : '';
    console.log(`${model}, ${arm}: ${middle} % (${low} to ${high}), lr ${learningRate}${edge}`);
  }
}
