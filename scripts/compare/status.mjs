/** @file What the runner of a comparison says: how a run ended, and how long the rest may take. */

/**
 * @typedef {import('../../lib/sweep/comparison/plan').PlannedRun} PlannedRun
 * @typedef {import('../../lib/sweep/comparison/record').RunRecord} RunRecord
 */

/** A time in the unit that fits it. @param {number} seconds */
export function hours(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** One run in one line. @param {RunRecord} record */
export function outcomeLine({ id, event, budget, learningRate, weightDecay, stoppedBy, drops, seconds }) {
  const short = (/** @type {number} */ value) => Number(value.toPrecision(3));
  const what =
    event !== null
      ? `grokked at step ${event}`
      : stoppedBy === 'nan'
        ? 'diverged'
        : `not grokked by step ${budget}`;
  const after = drops === undefined ? '' : `, ${drops.evaluations} evaluations below the level after it`;
  return `${id}: ${what}${after} (lr ${short(learningRate)}, decay ${short(weightDecay)}, ${Math.round(seconds)} s)`;
}

/**
 * Processor seconds that the missing runs may take: the protocol's guess, corrected by how far it was off for the runs of the
 * same arm that have ended, or of all arms.
 *
 * @param {PlannedRun[]} missing
 * @param {{ run: PlannedRun, record: RunRecord }[]} there
 */
export function remainingSeconds(missing, there) {
  const correction = (/** @type {typeof there} */ ended) =>
    ended.reduce((sum, { record }) => sum + record.seconds, 0) /
    ended.reduce((sum, { run }) => sum + run.expectedSeconds, 0);
  const overall = there.length > 0 ? correction(there) : 1;
  return missing.reduce((sum, run) => {
    const own = there.filter((ended) => ended.run.arm === run.arm && ended.run.setting === run.setting);
    return sum + run.expectedSeconds * (own.length > 0 ? correction(own) : overall);
  }, 0);
}
