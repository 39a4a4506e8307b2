/** @file The tables of a comparison's report, in plain text. */

/**
 * @typedef {import('../../lib/index').ArmResult} ArmResult
 * @typedef {import('../../lib/index').ClaimResult} ClaimResult
 * @typedef {import('../../lib/index').ComparisonProtocol} ComparisonProtocol
 * @typedef {import('../../lib/index').RunRecord} RunRecord
 */

/** @param {number | null | undefined} value @param {number} [digits] */
const text = (value, digits = 0) => {
  if (value === null || value === undefined) return '–';
  return Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : value > 0 ? '∞' : '−∞';
};

/** Three significant digits, no more of them than there are. @param {number} value */
const short = (value) => String(Number(value.toPrecision(3)));

/** A p-value with two significant digits. @param {number} p */
export const pText = (p) => (p < 0.001 ? '< .001' : p.toPrecision(2).replace(/^0/, ''));

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

/** By what the records were made; more than one of a kind is warned of. @param {readonly RunRecord[]} records */
export function provenance(records) {
  if (records.length === 0) return;
  /** @type {[string, (record: RunRecord) => string][]} */
  const kinds = [
    ['commit', ({ commit }) => commit ?? 'unknown'],
    [
      'versions',
      ({ versions }) =>
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
    ],
  ];
  for (const [name, of] of kinds) {
    const counts = new Map();
    for (const record of records) counts.set(of(record), (counts.get(of(record)) ?? 0) + 1);
    console.log(`${name}: ${[...counts].map(([what, count]) => `${what} (${count} runs)`).join('; ')}`);
    if (counts.size > 1) {
      console.log(
        `  Warning: the runs are of ${counts.size} different ${name}${name === 'commit' ? 's' : ''}.`,
      );
    }
  }
}

/** Every run of the pilot. @param {ComparisonProtocol} protocol @param {readonly RunRecord[]} records */
export function pilotTable({ arms }, records) {
  console.log('\nPilot');
  table([
    ['arm', 'lr', 'lr × decay', 'decay', 'seed', 'event', 'validation loss'],
    ...arms.flatMap(({ name, title }) =>
      records
        .filter(({ arm }) => arm === name)
        .sort((a, b) => a.learningRate - b.learningRate || a.weightDecay - b.weightDecay)
        .map(({ learningRate, weightDecay, seed, event, budget, stoppedBy, validationLoss }) => [
          title,
          short(learningRate),
          short(learningRate * weightDecay),
          short(weightDecay),
          String(seed),
          event === null ? (stoppedBy === 'nan' ? 'NaN' : `> ${budget}`) : String(event),
          text(validationLoss, 3),
        ]),
    ),
  ]);
}

/**
 * Each arm's tuning surface: a row a learning rate, its decays from the least to the greatest.
 *
 * @param {ComparisonProtocol} protocol
 * @param {readonly import('../../lib/index').Choice[]} tuning
 */
export function surfaceTable({ arms, tuning: { seeds, budget } }, tuning) {
  console.log(
    `\nTuning: mean step of the event over ${seeds.length} seeds, a run without it as ${budget}; (n) of them without it; * chosen, ' second-ranked`,
  );
  const rows = tuning.flatMap(({ arm, ranked, atEdge }) => {
    const rates = [...new Set(ranked.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
    const title = arms.find(({ name }) => name === arm)?.title ?? arm;
    return rates.map((rate, row) => [
      row === 0 ? title : '',
      short(rate),
      ...ranked
        .filter(({ learningRate }) => learningRate === rate)
        .sort((a, b) => a.weightDecay - b.weightDecay)
        .map((trial) => {
          const mark = trial === ranked[0] ? '*' : trial === ranked[1] ? "'" : '';
          const censored = trial.censored > 0 ? ` (${trial.censored})` : '';
          return `${short(trial.weightDecay)}: ${text(trial.meanStep, 1)}${censored}${mark}`;
        }),
      ...(row === 0 && atEdge.length > 0 ? [`at the edge: ${atEdge.join(', ')}`] : []),
    ]);
  });
  const most = Math.max(...rows.map(({ length }) => length));
  table([['arm', 'lr', 'decay: step', ...new Array(Math.max(0, most - 3)).fill('')], ...rows]);
}

/** @param {readonly ArmResult[]} arms */
export function armTable(arms) {
  table([
    [
      'arm',
      'lr',
      'decay',
      'edge',
      'runs',
      'not',
      'median',
      'quartiles',
      'ratio',
      'dropping',
      'drops',
      'ms a step',
      'of AdamW’s',
      'seconds',
    ],
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
        ...times
      }) => [
        title,
        short(choice.learningRate),
        short(choice.weightDecay),
        choice.atEdge.length === 0 ? '' : choice.atEdge.join(', '),
        `${observations.length}/${planned}`,
        String(censored),
        text(median),
        quartiles[0] === null
          ? '–'
          : `${text(quartiles[0])}–${text(quartiles[1] ?? Number.POSITIVE_INFINITY)}`,
        quartileRatio === null ? '–' : `${quartileRatio.atLeast ? '≥ ' : ''}${text(quartileRatio.value, 2)}`,
        drops === null ? '–' : String(drops.runs),
        drops === null ? '–' : `${drops.episodes} (${drops.evaluations})`,
        text(times.msPerStep, 1),
        times.stepRatio === null
          ? '–'
          : `${text(times.stepRatio.median, 1)} (${text(times.stepRatio.q1, 1)} to ${text(times.stepRatio.q3, 1)})`,
        text(times.medianSeconds, 1),
      ],
    ),
  ]);
}

/** @param {readonly ClaimResult[]} claims */
export function claimTable(claims) {
  /** @param {{ arm: number, against: number } | undefined} sides */
  const both = (sides) => (sides === undefined ? '' : `${sides.arm}/${sides.against}`);
  table([
    [
      'claim',
      'trials',
      'pairs',
      'censored',
      'with a drop',
      'effect',
      'interval',
      'p',
      'adjusted',
      'verdict',
      'second-ranked',
    ],
    ...claims.map(({ claim, trials, pairs, censored, dropping, secondRanked, verdict, ...effect }) => [
      claim.text,
      both(trials),
      String(pairs),
      both(censored),
      both(dropping),
      text(effect.estimate, 2),
      `${text(effect.low, 2)} to ${text(effect.high, 2)}`,
      verdict === 'not tested' ? '–' : pText(effect.p),
      pText(effect.adjustedP),
      verdict,
      secondRanked === undefined
        ? ''
        : `${text(secondRanked.estimate, 2)} (${text(secondRanked.low, 2)} to ${text(secondRanked.high, 2)})`,
    ]),
  ]);
}
