/**
 * @file `npm run compare`: carries out the comparison that `output/published/truegrad/protocol.json` lays down. Runs that are
 * recorded are not made again, so the same command goes on after any stop, and any number of them may work side by side.
 * `--phase` names one phase; without it tuning, the test, the second-ranked settings and the exploratory runs follow one
 * another. The pilot, which may only set the ranges of the grids, has to be asked for.
 *
 * A long comparison is best carried out from a clone or a worktree that nobody edits, with `--folder` naming the folder of the
 * checkout that the records belong to: all runs are then of one commit. A build of the library that changes under a runner ends
 * it.
 */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { runPool } from './compare/pool.mjs';
import { report } from './compare/report.mjs';
import { hours, outcomeLine, remainingSeconds } from './compare/status.mjs';
import { readArguments, runCommand, UsageError } from './jupyter/command.mjs';
import { buildStamp, ensureBuilt, root } from './lib-build.mjs';
import { libraryCommit } from './library-commit.mjs';

/** @typedef {import('../lib/sweep/comparison/plan').ComparisonPhase} Phase */

const PHASES = /** @type {const} */ (['pilot', 'tune', 'test', 'sensitivity', 'explore']);
const USAGE =
  'Usage: npm run compare [-- [--phase pilot|tune|test|sensitivity|explore] [--workers N] [--dry-run | --report] [--folder FOLDER] [--work FOLDER]]';

await runCommand(async () => {
  const { values } = readArguments(
    {
      options: {
        phase: { type: 'string' },
        workers: { type: 'string' },
        'dry-run': { type: 'boolean' },
        report: { type: 'boolean' },
        folder: { type: 'string' },
        work: { type: 'string' },
      },
    },
    USAGE,
  );
  const phases = phasesOf(values.phase);
  if (values.report && values['dry-run']) {
    throw new UsageError(`--report and --dry-run exclude each other. ${USAGE}`);
  }
  const workers = workersOf(values.workers);
  const folder = resolve(values.folder ?? join(root, 'output', 'published', 'truegrad'));
  const places = {
    folder,
    work: resolve(values.work ?? join(root, 'output', 'runs', 'comparisons', basename(folder))),
  };
  ensureBuilt();
  const build = buildStamp();
  const require = createRequire(import.meta.url);
  const comparisons = require('optimal-grokking/dist/sweep/comparison/folder.js');
  const plans = require('optimal-grokking/dist/sweep/comparison/plan.js');
  const { protocol } = comparisons.readComparison(folder);
  // A protocol that asks for an impossible run is refused before the first one, not after a night.
  const standIns = plans.standInChoices(protocol);
  for (const phase of PHASES) plans.plannedRuns(protocol, phase, standIns);

  if (values.report) {
    await report(folder, require('optimal-grokking'));
    return;
  }
  const commit = libraryCommit();
  /** @param {Phase} phase */
  const look = (phase) => {
    const recordsOf = (/** @type {Phase} */ one) => comparisons.readRecords(folder, one);
    const choices = plans.chooseTrials(protocol, recordsOf('tune'));
    const records = recordsOf(phase);
    const planned = plans.plannedRuns(protocol, phase, choices);
    return { planned, choices, ...divide(planned, records) };
  };
  if (values['dry-run']) {
    dryRun(phases, look, { protocol, plans, workers });
    return;
  }
  for (const phase of phases) {
    const { choices } = look(phase);
    if (isAfterTuning(phase) && choices.length < protocol.arms.length) {
      const lacking = protocol.arms.filter(({ name }) => !choices.some(({ arm }) => arm === name));
      throw new UsageError(
        `Tuning is not complete for ${lacking.map(({ name }) => name).join(', ')}: run --phase tune first.`,
      );
    }
    const failures = await runPool({
      missing: () => look(phase).missing,
      message: (run) => ({
        protocol: { event: protocol.event, drops: protocol.drops },
        run,
        places,
        commit,
        build,
      }),
      workers,
      onEnd(run, answer) {
        if (answer.outcome === 'failed') console.error(`${run.id} failed: ${answer.reason}`);
        if (answer.outcome !== 'recorded') return;
        const { planned, missing, there } = look(phase);
        const left = remainingSeconds(missing, there) / workers;
        console.log(
          `[${planned.length - missing.length}/${planned.length}] ${outcomeLine(answer.record)}; ${missing.length} to go, about ${hours(left)}`,
        );
      },
    });
    if (failures.length > 0) {
      throw new Error(`${failures.length} failed in ${phase}; the last: ${failures.at(-1)}`);
    }
    console.log(
      `${phase}: all ${look(phase).planned.length} runs are in ${relative(process.cwd(), folder) || '.'}`,
    );
  }
});

/** @param {string | undefined} asked @returns {Phase[]} */
function phasesOf(asked) {
  if (asked === undefined) return PHASES.filter((one) => one !== 'pilot');
  const phase = PHASES.find((one) => one === asked);
  if (phase === undefined) throw new UsageError(`There is no phase '${asked}'. ${USAGE}`);
  return [phase];
}

/** Whether the runs of a phase depend on what tuning says. @param {Phase} phase */
function isAfterTuning(phase) {
  return phase !== 'pilot' && phase !== 'tune';
}

/** @param {string | undefined} asked */
function workersOf(asked) {
  if (asked === undefined) return availableParallelism();
  const count = Number(asked);
  if (!(/^\d+$/.test(asked) && count >= 1 && count <= 256)) {
    throw new UsageError(`--workers is '${asked}', expected a whole number from 1 to 256. ${USAGE}`);
  }
  return count;
}

/** What of a plan is recorded, and what of the records is of no plan. */
function divide(planned, records) {
  const found = new Map(records.map((record) => [record.digest, record]));
  const digests = new Set(planned.map(({ digest }) => digest));
  return {
    missing: planned.filter(({ digest }) => !found.has(digest)),
    there: planned.flatMap((run) => {
      const record = found.get(run.digest);
      return record === undefined ? [] : [{ run, record }];
    }),
    foreign: records.filter(({ digest }) => !digests.has(digest)).length,
  };
}

/** Tells what is missing and how long it may take. Arms that are not tuned yet are counted with any of their trials. */
function dryRun(phases, look, { protocol, plans, workers }) {
  let total = 0;
  for (const phase of phases) {
    const { missing, there, foreign, choices } = look(phase);
    const untuned = protocol.arms.filter(({ name }) => !choices.some(({ arm }) => arm === name));
    const later =
      untuned.length > 0 && isAfterTuning(phase)
        ? plans
            .plannedRuns(protocol, phase, plans.standInChoices(protocol, choices))
            .filter(({ arm }) => untuned.some(({ name }) => name === arm))
        : [];
    const seconds = remainingSeconds([...missing, ...later], there) / workers;
    total += seconds;
    const others = foreign > 0 ? `; ${foreign} recorded under another protocol are ignored` : '';
    console.log(
      `${phase}: ${there.length} of ${there.length + missing.length + later.length} runs are there, ${missing.length + later.length} missing, about ${hours(seconds)} with ${workers} at a time${others}`,
    );
    if (phases.length === 1) for (const run of missing) console.log(`  ${run.id}`);
    if (later.length > 0) console.log(`  ${later.length} of them are settled by tuning`);
  }
  if (phases.length > 1) console.log(`in all about ${hours(total)}`);
}
