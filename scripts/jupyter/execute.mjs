/** @file Executes notebooks through the private environment's kernel and follows them, cell by cell. */
import { spawn } from 'node:child_process';
import { basename, dirname, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { root } from '../lib-build.mjs';
import { describeFailure } from './failure.mjs';
import { notebookProgress } from './progress.mjs';

const program = fileURLToPath(new URL('execute.py', import.meta.url));

/** How long Python may take to shut the kernel down before both are ended, in ms. */
const GRACE = 8_000;

/** Thrown when the user, or a signal, stopped the execution. */
export class Interrupted extends Error {}

/**
 * Executes notebooks one after the other. A notebook's kernel runs in the folder where the notebook lies, as in
 * JupyterLab, so that its imports and relative paths mean the same; the notebook's file itself is only read.
 * @param {{ python: string, env: NodeJS.ProcessEnv }} environment
 * @param {{ source: string, target: string }[]} notebooks `target` is where the executed copy is written
 * @returns {Promise<Map<string, number>>} the seconds each took, by `source`
 * @throws {Error} with notebook, cell, line and message of the first failing cell
 * @throws {Interrupted}
 */
export async function executeNotebooks({ python, env }, notebooks) {
  const jobs = notebooks.map(({ source, target }) => ({
    name: basename(source, '.ipynb'),
    source,
    target,
    cwd: dirname(source),
    label: relative(root, source).startsWith('..') ? source : relative(root, source),
  }));
  const child = spawn(python, [program], {
    cwd: root,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C reaches this process alone, which then ends Python and its kernel in order.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const closed = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let interrupted = false;
  const stop = () => {
    interrupted = true;
    child.stdin.end();
    setTimeout(() => child.kill('SIGKILL'), GRACE).unref();
  };
  const signals = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, stop);

  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify({ kernel: 'tslab', jobs })}\n`);
  let noise = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    noise = (noise + text).slice(-4000);
  });

  const progress = notebookProgress();
  const took = new Map();
  let failure;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      if (event.event === 'notebook') progress.notebook(event.name);
      else if (event.event === 'cell') progress.cell(event.cell, event.of);
      else if (event.event === 'failed' || event.event === 'broken') failure = event;
      else if (event.event === 'done') {
        progress.done(event.cells);
        took.set(jobs.find((job) => job.name === event.name)?.source, event.seconds);
      }
    }
    const code = await closed;
    if (code !== 0) progress.stop();
    if (interrupted) throw new Interrupted('Interrupted.');
    if (failure) {
      const job = jobs.find(({ name }) => name === failure.name);
      if (failure.event === 'broken') throw new Error(`${job.label} could not be executed: ${failure.text}`);
      throw new Error(describeFailure(job, withNoise(failure, noise)));
    }
    if (code !== 0) throw new Error(`The notebooks could not be executed (exit ${code}):\n${noise.trim()}`);
    return took;
  } finally {
    for (const signal of signals) process.off(signal, stop);
    child.stdin.end();
  }
}

/** A kernel that ended can only have told why on its own stderr, which comes here. */
const withNoise = (failure, noise) =>
  failure.died ? { ...failure, text: `${failure.text}\n${noise}` } : failure;
