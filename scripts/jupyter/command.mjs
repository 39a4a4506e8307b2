/** @file What the commands around the notebooks share: exit codes, the list of notebooks, the environment's progress. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureEnvironment } from './environment.mjs';
import { Interrupted } from './execute.mjs';

/** Wrong arguments; its message is one line. */
export class UsageError extends Error {}

/**
 * Runs a command and turns its errors into one message on stderr and an exit code: 2 for wrong arguments, 130 when
 * interrupted, 1 for anything else.
 * @param {() => Promise<void>} command
 */
export async function runCommand(command) {
  try {
    await command();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = error instanceof UsageError ? 2 : error instanceof Interrupted ? 130 : 1;
  }
}

/**
 * Reads the command line.
 * @param {import('node:util').ParseArgsConfig} config
 * @param {string} usage the line that tells what is allowed
 * @throws {UsageError}
 */
export function readArguments(config, usage) {
  try {
    return parseArgs(config);
  } catch (error) {
    // Node's message goes on with advice that does not fit here.
    const [what] = /** @type {Error} */ (error).message.split('. ');
    throw new UsageError(`${what}. ${usage}`);
  }
}

/**
 * The notebooks of a folder in the order of their names, or those that are named.
 * @param {string} folder
 * @param {string[]} [names] `01-dataset`, with or without `.ipynb`; or the number, `01`
 * @returns {string[]} their paths
 * @throws {UsageError} if the folder has none, or not the named one
 */
export function listNotebooks(folder, names = []) {
  /** @type {string[]} */
  let all;
  try {
    all = readdirSync(folder)
      .filter((name) => name.endsWith('.ipynb'))
      .sort();
  } catch {
    throw new UsageError(`There is no folder ${folder}.`);
  }
  if (all.length === 0) throw new UsageError(`There is no notebook (*.ipynb) in ${folder}.`);
  for (const name of names) {
    if (all.some((file) => matches(file, name))) continue;
    const known = all.map((file) => file.replace(/\.ipynb$/, '')).join(', ');
    throw new UsageError(`There is no notebook ${name} in ${folder}: there are ${known}.`);
  }
  const chosen = names.length ? all.filter((file) => names.some((name) => matches(file, name))) : all;
  return chosen.map((file) => join(folder, file));
}

const matches = (/** @type {string} */ file, /** @type {string} */ name) => {
  const bare = name.replace(/^.*[\\/]/, '').replace(/\.ipynb$/, '');
  return file === `${bare}.ipynb` || file.startsWith(`${bare}-`);
};

/** Prepares the environment, telling about it only where there is something to do. */
export async function withEnvironment() {
  const live = process.stdout.isTTY;
  const began = Date.now();
  const environment = await ensureEnvironment({
    onStart: () =>
      console.log('Preparing the Python environment of the notebooks in .venv (once, about a minute) …'),
    say: (text) => {
      if (live) process.stdout.write(`\r\x1b[2K  ${text}`);
    },
  });
  if (live) process.stdout.write('\r\x1b[2K');
  if (environment.prepared) console.log(`  ready after ${((Date.now() - began) / 1000).toFixed(0)} s`);
  return environment;
}
