/** @file The peers' own Python environment, `bench/peers/.venv`: large, and made only when asked for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../../scripts/jupyter/python.mjs';

const folder = fileURLToPath(new URL('../peers', import.meta.url));
const venv = join(folder, '.venv');
const python =
  process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');

/** The command that makes the environment. */
export const SETUP_COMMAND = 'npm run bench -- --setup-peers';

/** The environment's Python, or undefined where the environment was not made. */
export function peersPython() {
  return existsSync(python) ? python : undefined;
}

/** @param {string} command @param {readonly string[]} args */
function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', windowsHide: true });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed; its messages are above.`);
}

/**
 * Makes the environment and installs the pinned peers into it, or brings it up to date.
 *
 * @throws {Error} one line, if there is no suitable Python or the installation fails
 */
export function setUpPeers() {
  if (!existsSync(python)) run(findPython().executable, ['-m', 'venv', venv]);
  const requirements = join(folder, 'requirements.txt');
  run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--requirement', requirements]);
}
