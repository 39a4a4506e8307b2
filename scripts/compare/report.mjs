/** @file `npm run compare -- --report`: what a comparison says by now, as tables and as pictures beside its records. */
import { join } from 'node:path';

/** @typedef {import('../../lib/sweep/comparison/results').ArmResult} ArmResult */

/** @param {number | null | undefined} value @param {number} [digits] */
const text = (value, digits = 0) =>
  value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−');

/** A p-value with two significant digits. @param {number} p */
const pText = (p) => (p < 0.001 ? '< .001' : p.toPrecision(2).replace(/^0/, ''));

/** Rows of cells under a head, the columns aligned. @param {string[][]} rows */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  for (const row of rows) {
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** @param {readonly ArmResult[]} arms */
function armTable(arms) {
  table([
    ['arm', 'lr', 'decay', 'runs', 'not', 'median', 'quartiles', 'ratio', 'dropping', 'drops', 'ms a step'],
    ...arms.map(
      ({
        title,
        choice,
        planned,
        observations,
        censored,
        median,
        quartiles,
        quartileRatio,
        drops,
        msPerStep,
      }) => [
        title,
        String(Number(choice.learningRate.toPrecision(3))),
        String(Number(choice.weightDecay.toPrecision(3))),
        `${observations.length}/${planned}`,
        String(censored),
        text(median),
        quartiles === null ? '–' : `${text(quartiles[0])}–${text(quartiles[1])}`,
        text(quartileRatio, 2),
        String(drops.runs),
        `${drops.episodes} (${drops.evaluations})`,
        text(msPerStep, 1),
      ],
    ),
  ]);
}

/**
 * @param {string} folder of the comparison; the pictures go there
 * @param {typeof import('../../lib/index')} lib
 */
export async function report(folder, lib) {
  const comparison = lib.readComparison(folder);
  const { arms, claims, exploratory } = lib.comparisonResults(comparison);
  if (arms.length === 0) {
    console.log('Tuning is complete for no arm yet.');
    return;
  }
  armTable(arms);
  const tested = arms.filter(({ observations }) => observations.length > 0);
  if (claims.length > 0) {
    console.log();
    table([
      ['claim', 'pairs', 'effect', 'interval', 'p', 'adjusted'],
      ...claims.map(({ claim, pairs, estimate, low, high, p, adjustedP }) => [
        claim.text,
        String(pairs),
        text(estimate, 2),
        `${text(low, 2)} to ${text(high, 2)}`,
        pText(p),
        pText(adjustedP),
      ]),
    ]);
  } else console.log('\nThe claims are evaluated once the test is complete.');
  for (const { title, arms: tried } of exploratory) {
    if (tried.every(({ observations }) => observations.length === 0)) continue;
    console.log(`\n${title} (exploratory)`);
    armTable(tried);
  }
  if (tested.length === 0) return;
  await draw(folder, lib, {
    title: comparison.protocol.title,
    arms: tested,
    claims,
    panels: panelsOf(comparison),
  });
}

/** The panel of each arm in the survival figure, by its optimiser. @param {import('../../lib/index').Comparison} comparison */
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
 * @param {{ title: string, arms: ArmResult[], claims: readonly import('../../lib/index').ClaimResult[], panels: Map<string, string> }} what
 */
async function draw(folder, lib, { title, arms, claims, panels }) {
  const survival = lib.survivalCurves(
    arms.map(({ arm, title: label, observations }) => ({
      label,
      panel: panels.get(arm) ?? '',
      observations,
    })),
    {
      title: 'Runs that have not grokked yet',
      subtitle: `${title}; bold: the step by which half the runs have grokked; grey: the arms of the other panels`,
    },
  );
  const strip = lib.eventStrip(
    arms.map(({ title: label, observations }) => ({ label, runs: observations })),
    { title: 'Step of the event, every run' },
  );
  await lib.saveFigure(survival, join(folder, 'survival.png'));
  await lib.saveFigure(strip, join(folder, 'events.png'));
  const effects = claims.filter(({ claim }) => claim.measure === 'event');
  if (effects.length > 0) {
    const forest = lib.effectForest(
      effects.map(({ claim, estimate, low, high, adjustedP }) => ({
        label: claim.name,
        estimate,
        low,
        high,
        note: `adjusted p ${pText(adjustedP)}`,
      })),
      {
        title: 'Steps to the event, one arm over the other',
        subtitle:
          '95 % intervals of the ratio of geometric means (paired bootstrap); p by sign flips, adjusted by Holm',
        axisTitle: 'ratio of steps (below 1: the first arm is sooner)',
      },
    );
    await lib.saveFigure(forest, join(folder, 'effects.png'));
  }
  console.log('\nPictures: survival.png, events.png, effects.png beside the protocol.');
}
