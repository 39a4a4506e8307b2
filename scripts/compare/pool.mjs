/** @file Keeps a number of processes busy with the runs of a comparison until none is missing. */
import { fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Interrupted } from '../jupyter/execute.mjs';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));

/** Milliseconds until a run that another runner is at is looked at again. */
const BUSY = 3_000;

/** Milliseconds that a process has to save and end. */
const GRACE = 30_000;

/** After so many failures in a row nothing is begun any more: what fails is then not one run, but the machine. */
const MOST_FAILURES = 3;

const SIGNALS = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * @typedef {import('../../lib/sweep/comparison/plan').PlannedRun} PlannedRun
 * @typedef {import('../../lib/sweep/comparison/carry-out').CarriedOut} CarriedOut
 * @typedef {CarriedOut | { outcome: 'failed', reason: string }} Answer
 */

/**
 * Carries out what is missing.
 *
 * @param {object} options
 * @param {() => PlannedRun[]} options.missing what is not recorded yet, in the order to begin it; asked again whenever a run
 *   has ended, since others may be recording too
 * @param {(run: PlannedRun) => object} options.message what the process of a run is told
 * @param {number} options.workers processes at a time
 * @param {(run: PlannedRun, answer: Answer) => void} options.onEnd
 * @param {string} [options.child] the script of a run's process
 * @returns {Promise<string[]>} what failed, a line each
 * @throws {Interrupted} if a signal came, and what a callback throws; once all processes have ended in either case
 */
export async function runPool({ missing, message, workers, onEnd, child = CHILD }) {
  /** @type {Map<string, { ended: Promise<void>, stop: () => void }>} */
  const active = new Map();
  /** @type {Map<string, number>} when to look again at a run that is another runner's */
  const busy = new Map();
  /** @type {Map<string, string>} */
  const failed = new Map();
  let inARow = 0;
  /** @type {{ error: unknown } | undefined} what a callback threw */
  let fault;
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  const stopped = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));

  /** @param {PlannedRun} run */
  const begin = (run) => {
    const { answered, stop: tell } = startProcess(child, message(run), stopping.signal);
    const ended = answered.then((answer) => {
      active.delete(run.id);
      if (answer.outcome === 'busy') busy.set(run.id, Date.now() + BUSY);
      if (answer.outcome === 'failed') {
        failed.set(run.id, `${run.id}: ${answer.reason}`);
        inARow++;
      }
      if (answer.outcome === 'recorded') inARow = 0;
      try {
        onEnd(run, answer);
      } catch (error) {
        fault ??= { error };
      }
    });
    active.set(run.id, { ended, stop: tell });
  };

  const tellAll = () => {
    for (const { stop: tell } of active.values()) tell();
  };
  const allEnded = () => Promise.all([...active.values()].map(({ ended }) => ended));

  try {
    while (!stopping.signal.aborted && fault === undefined && inARow < MOST_FAILURES) {
      const open = missing().filter(({ id }) => !active.has(id) && !failed.has(id));
      const now = Date.now();
      const ready = open.filter(({ id }) => (busy.get(id) ?? 0) <= now);
      for (const run of ready.slice(0, workers - active.size)) begin(run);
      if (active.size === 0 && open.length === 0) break;
      const next = Math.min(...open.map(({ id }) => busy.get(id) ?? Number.POSITIVE_INFINITY));
      const pause = new AbortController();
      await Promise.race([
        stopped,
        ...[...active.values()].map(({ ended }) => ended),
        ...(active.size < workers && Number.isFinite(next)
          ? [wait(Math.max(50, next - now), undefined, { signal: pause.signal }).catch(() => {})]
          : []),
      ]);
      pause.abort();
    }
    // After too many failures what is under way may end; after a signal it is told to.
    if (fault === undefined) await Promise.race([stopped, allEnded()]);
    if (fault !== undefined) throw fault.error;
    if (stopping.signal.aborted) throw new Interrupted('Stopped. The same command goes on from here.');
    return [...failed.values()];
  } finally {
    // What is still under way here was stopped by a signal, or by a callback's error, which must not leave it training.
    tellAll();
    await allEnded();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/**
 * Starts the process of a run.
 * @param {string} child
 * @param {object} task
 * @param {AbortSignal} stopping
 */
function startProcess(child, task, stopping) {
  const worker = fork(child, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  /** @type {Answer | undefined} */
  let answer;
  let noise = '';
  worker.stderr?.setEncoding('utf8').on('data', (text) => {
    noise = (noise + text).slice(-2000);
  });
  worker.on('message', (received) => {
    answer = /** @type {Answer} */ (received);
  });
  const answered = new Promise((/** @type {(answer: Answer) => void} */ resolve) => {
    worker.on('error', ({ message: reason }) => resolve({ outcome: 'failed', reason }));
    worker.on('close', (code, signal) => {
      if (answer !== undefined) resolve(answer);
      else if (stopping.aborted) resolve({ outcome: 'stopped' });
      else {
        const last = noise.trim().split('\n').at(-1);
        resolve({
          outcome: 'failed',
          reason: `its process ended (${signal ?? `exit ${code}`}) ${last}`.trim(),
        });
      }
    });
  });
  const send = (/** @type {object} */ what) => worker.connected && worker.send(what, () => {});
  send(task);
  return {
    answered,
    stop() {
      send({ stop: true });
      const timer = setTimeout(() => worker.kill('SIGKILL'), GRACE);
      timer.unref();
      answered.then(() => clearTimeout(timer));
    },
  };
}
