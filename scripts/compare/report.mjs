/** @file `npm run compare -- --report`: what a comparison says by now, as tables and as pictures beside its records. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armTable, claimTable, pilotTable, provenance, pText, surfaceTable } from './tables.mjs';

/**
 * @typedef {import('../../lib/index').ArmResult} ArmResult
 * @typedef {import('../../lib/index').ClaimResult} ClaimResult
 * @typedef {import('../../lib/index').Comparison} Comparison
 */

/**
 * @param {string} folder of the comparison; the pictures go there
 * @param {typeof import('../../lib/index')} lib
 */
export async function report(folder, lib) {
  const comparison = lib.readComparison(folder);
  const { protocol } = comparison;
  const records = lib.ownRecords(comparison);
  const results = lib.comparisonResults(comparison);
  const { tuning, test, arms, claims, sensitivity, exploratory } = results;
  provenance(Object.values(records).flat());
  if (records.pilot.length > 0) pilotTable(protocol, records.pilot);
  if (tuning.length === 0) {
    console.log('\nTuning is complete for no arm yet.');
    return;
  }
  surfaceTable(protocol, tuning);
  if (arms.length === 0) {
    console.log(
      `\nThe test has ${test.recorded} of ${test.planned} runs: it is evaluated once it is complete.`,
    );
  } else {
    console.log('\nTest');
    armTable(arms);
    console.log();
    claimTable(claims);
  }
  if (sensitivity.length > 0) {
    console.log('\nThe second-ranked setting of some arms on the seeds of the test');
    armTable(sensitivity);
  }
  for (const { title, arms: tried } of exploratory) {
    if (tried.every(({ observations }) => observations.length === 0)) continue;
    console.log(`\n${title} (exploratory)`);
    armTable(tried);
  }
  if (arms.length === 0) return;
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  const drawn = await draw(folder, lib, comparison, { arms, claims });
  console.log(`\nBeside the protocol: results.json, ${drawn.join(', ')}.`);
}

/** The panel of each arm in the survival figure, by its optimiser. @param {Comparison} comparison */
function panelsOf({ protocol }) {
  return new Map(
    protocol.arms.map(({ name, options }) => {
      const optimizer = options.optimizer ?? 'adamw';
      const own = optimizer === 'tgadamw' && options.trueGrad !== 'released';
      return [
        name,
        own ? 'TrueGrad-Adam' : optimizer.startsWith('tg') ? 'other TrueGrad' : 'without TrueGrad',
      ];
    }),
  );
}

/**
 * @param {string} folder
 * @param {typeof import('../../lib/index')} lib
 * @param {Comparison} comparison
 * @param {{ arms: readonly ArmResult[], claims: readonly ClaimResult[] }} results
 * @returns {Promise<string[]>} the pictures
 */
async function draw(folder, lib, comparison, { arms, claims }) {
  const { title, statistics } = comparison.protocol;
  const panels = panelsOf(comparison);
  /** @type {[file: string, figure: import('../../lib/index').Figure][]} */
  const figures = [
    [
      'survival.png',
      lib.survivalCurves(
        arms.map(({ arm, title: label, observations }) => ({
          label,
          panel: panels.get(arm) ?? '',
          observations,
        })),
        {
          title: 'Runs that have not grokked yet',
          subtitle: `${title}; bold: the step by which half the runs have grokked; grey: the arms of the other panels`,
        },
      ),
    ],
    [
      'events.png',
      lib.eventStrip(
        arms.map(({ title: label, observations }) => ({ label, runs: observations })),
        { title: 'Step of the event, every run' },
      ),
    ],
  ];
  const effects = claims.filter(({ claim }) => claim.measure === 'event');
  if (effects.length > 0) {
    const forest = lib.effectForest(
      effects.map(({ claim, estimate, low, high, adjustedP, censored }) => ({
        label: claim.name,
        estimate,
        low,
        high,
        // 1 − .95 is a little more than .05.
        settled: adjustedP <= 1 - statistics.level + 1e-12,
        note: [
          `adjusted p ${pText(adjustedP)}`,
          ...(censored.arm + censored.against > 0
            ? [`censored ${censored.arm} and ${censored.against}`]
            : []),
        ].join(', '),
      })),
      {
        title: 'Steps to the event within the budget, one arm over the other',
        subtitle: `ratio of geometric means; single ${100 * statistics.level} % intervals (paired bootstrap), not simultaneous; p by sign flips, adjusted by Holm; in colour what is settled by it; shaded: too little to be of interest; censored: runs of the first and of the second arm without the event`,
        axisTitle: 'ratio of steps (below 1: the first arm is sooner)',
        negligible: statistics.negligible,
      },
    );
    figures.push(['effects.png', forest]);
  }
  for (const [file, figure] of figures) await lib.saveFigure(figure, join(folder, file));
  return figures.map(([file]) => file);
}
