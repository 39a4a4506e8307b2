/**
 * @file `npm run digits`: the check of the TrueGrad optimisers on handwritten digits, as `output/published/digits/protocol.json`
 * says. Every run that is not in `runs.csv` yet is made and written there, so it may be stopped and started again at any
 * moment. With names after `--`, such as `mlp`, only those models. One thread; a run takes seconds.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readArguments, runCommand, UsageError } from './jupyter/command.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

const USAGE = 'Usage: npm run digits [-- MODEL …], for example mlp.';
const folder = join(root, 'output', 'published', 'digits');

await runCommand(async () => {
  const { positionals: names } = readArguments({ options: {}, allowPositionals: true }, USAGE);
  ensureBuilt();
  const require = createRequire(import.meta.url);
  const { loadDigits, onnxRuntimeNode, runEnvironment, splitDigits } = require('optimal-grokking');
  const { chosenLearningRate, digitsOutcome } = require('optimal-grokking/dist/analysis/digits-outcome.js');
  const { writeFileAtomic } = require('optimal-grokking/dist/files.node.js');
  const { openDigitsTrainer, selectImages } = require('optimal-grokking/dist/train/digits.js');
  const {
    DIGITS_MODELS,
    optimizerOf,
    parseDigitsProtocol,
    trueGradOf,
  } = require('optimal-grokking/dist/train/digits-protocol.js');
  const {
    endOf,
    formatDigitsCurves,
    formatDigitsRuns,
    parseDigitsCurves,
    parseDigitsRuns,
    runKey,
  } = require('optimal-grokking/dist/train/digits-results.js');
  const { DIGITS_FILES } = require('optimal-grokking/dist/train/digits-results.node.js');

  const path = (/** @type {string} */ name) => join(folder, DIGITS_FILES[name]);
  const protocol = parseDigitsProtocol(readFileSync(path('protocol'), 'utf8'), path('protocol'));
  const unknown = names.find((name) => !protocol.models.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`'${unknown}' is no model of the protocol: ${protocol.models.join(', ')}. ${USAGE}`);
  }
  const kept = (/** @type {string} */ name, /** @type {(text: string, source: string) => any[]} */ parse) =>
    existsSync(path(name)) ? parse(readFileSync(path(name), 'utf8'), path(name)) : [];
  const runs = kept('runs', parseDigitsRuns);
  const done = new Set(runs.map(runKey));
  // A stop between two files leaves a curve without its run, which is made again.
  const curves = kept('curves', parseDigitsCurves).filter((curve) =>
    runs.some(
      (run) => run.stage === 'test' && ['model', 'arm', 'seed'].every((key) => run[key] === curve[key]),
    ),
  );

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
      .filter((key) => !done.has(runKey(key)));
    if (keys.length === 0) return;
    const { batchSize, epochs, evaluationsPerEpoch } = protocol;
    const stepsAnEpoch = Math.floor(parts[stage].train.length / batchSize);
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
      const run = endOf(key, history, Number(((performance.now() - began) / 1000).toFixed(2)));
      if (stage === 'test') {
        curves.push({ model, arm: arm.name, seed, history });
        writeFileAtomic(path('curves'), formatDigitsCurves(curves));
      }
      runs.push(run);
      writeFileAtomic(path('runs'), formatDigitsRuns(runs));
      const share = `${(100 * run.accuracy).toFixed(1)} %`;
      console.error(
        `${model}, ${arm.name}, ${stage}, lr ${learningRate}, seed ${seed}: ${share}, ${run.seconds} s`,
      );
    }
    await trainer.release();
  };

  for (const model of names.length > 0 ? names : protocol.models) {
    for (const arm of protocol.arms) {
      await runStage('tuning', model, arm, protocol.learningRates);
      const { learningRate } = chosenLearningRate(runs, { model, arm: arm.name });
      await runStage('test', model, arm, [learningRate]);
    }
  }

  const outcome = digitsOutcome(runs);
  if (outcome.length === protocol.models.length * protocol.arms.length) {
    const seconds = Math.round(runs.reduce((sum, run) => sum + run.seconds, 0));
    const summary = { outcome, runs: runs.length, seconds, ...runEnvironment({ threads: 1 }) };
    writeFileAtomic(path('summary'), `${JSON.stringify(summary, null, 2)}\n`);
  }
  for (const { model, arm, learningRate, atEdge, median, lowest, highest } of outcome) {
    const [middle, low, high] = [median, lowest, highest].map((share) => (100 * share).toFixed(2));
    const edge = atEdge ? ', the last that was tried' : '';
    console.log(`${model}, ${arm}: ${middle} % (${low} to ${high}), lr ${learningRate}${edge}`);
  }
});
