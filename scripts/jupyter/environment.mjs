/**
 * @file The notebooks' private Python environment, `.venv` in the checkout: made on first use from the pinned
 * requirements.txt, reused while it fits, repaired when it does not. It also holds the kernel specification and every
 * file that Jupyter would otherwise put in the user's home.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../lib-build.mjs';
import { holdLock } from './lock.mjs';
import { findPython } from './python.mjs';

const venv = join(root, '.venv');
/** Where Jupyter's own files go: settings, workspaces, connection files, signatures. */
const jupyterHome = join(venv, 'jupyter');
const stampFile = join(venv, 'optimal-grokking.json');
const requirements = join(root, 'requirements.txt');
const kernelFile = join(venv, 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');
const tslab = join(root, 'node_modules', 'tslab', 'bin', 'tslab');

/** The environment's own Python. */
export const pythonPath =
  process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');

/**
 * The process environment for everything of Jupyter: nothing is read from or written to the user's home, and no other
 * Python's packages leak in.
 * @returns {NodeJS.ProcessEnv}
 */
export function jupyterEnv() {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(JUPYTER|JUPYTERLAB|IPYTHON|PYTHON)/.test(name)) delete env[name];
  }
  return {
    ...env,
    VIRTUAL_ENV: venv,
    PYTHONNOUSERSITE: '1',
    PYTHONUTF8: '1',
    JUPYTER_PREFER_ENV_PATH: '1',
    JUPYTER_CONFIG_DIR: join(jupyterHome, 'config'),
    JUPYTER_DATA_DIR: join(jupyterHome, 'data'),
    JUPYTER_RUNTIME_DIR: join(jupyterHome, 'runtime'),
    JUPYTERLAB_SETTINGS_DIR: join(jupyterHome, 'lab', 'settings'),
    JUPYTERLAB_WORKSPACES_DIR: join(jupyterHome, 'lab', 'workspaces'),
    IPYTHONDIR: join(jupyterHome, 'ipython'),
  };
}

/** What the kernel specification must say here: this very Node starts this checkout's tslab. */
function kernelSpec() {
  return JSON.stringify(
    {
      argv: [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}'],
      display_name: 'TypeScript',
      language: 'typescript',
      interrupt_mode: 'signal',
    },
    null,
    1,
  );
}

/** Writes what depends on this Node and on where the checkout lies, unless it is already right. */
function writeLocalFiles() {
  write(kernelFile, kernelSpec());
  // JupyterLab runs a CommonJS program of its own with Node, which must not fall under this project's "type": "module".
  write(join(venv, 'package.json'), '{ "type": "commonjs" }\n');
  mkdirSync(jupyterHome, { recursive: true });
}

function write(/** @type {string} */ file, /** @type {string} */ content) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** Identifies the packages that must be there. */
const requirementsHash = () => createHash('sha256').update(readFileSync(requirements)).digest('hex');

/** The version line of the environment's own Python, or undefined if it no longer starts. */
function ownPythonVersion() {
  if (!existsSync(pythonPath)) return undefined;
  const { status, stdout } = spawnSync(pythonPath, ['-c', 'import sys; print(sys.version)'], {
    encoding: 'utf8',
    env: jupyterEnv(),
    windowsHide: true,
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Whether the environment was finished, from these requirements, by the Python that still runs it. */
function isReady() {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
    if (stamp.requirements !== requirementsHash()) return false;
    if (process.env.PYTHON && process.env.PYTHON !== stamp.askedFor) return false;
    return stamp.version === ownPythonVersion();
  } catch {
    return false;
  }
}

/**
 * Runs one step of the preparation; each line it prints is shown to `onLine`.
 * @param {string[]} command
 * @param {(line: string) => void} onLine
 * @throws {Error} with the step's last lines, if it fails
 */
async function step(command, onLine) {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    env: jupyterEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  /** @type {string[]} */
  const tail = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      for (const line of text.split(/\r?\n/)) if (line.trim()) onLine(line.trim());
      tail.push(...text.split(/\r?\n/).filter((line) => line.trim()));
      tail.splice(0, Math.max(0, tail.length - 12));
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`\`${args.slice(0, 3).join(' ')}\` failed:\n${tail.join('\n')}`);
}

/**
 * Makes the environment anew, whatever was there. The stamp is written last, so that an interrupted preparation is
 * recognised as half-made and begun again.
 * @param {(text: string) => void} say
 */
async function build(say) {
  const python = findPython();
  rmSync(stampFile, { force: true });
  say(`making .venv with Python ${python.version.join('.')}`);
  rmSync(venv, { recursive: true, force: true, maxRetries: 3 });
  await step([...python.command, '-m', 'venv', venv], () => {});
  const pip = [pythonPath, '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check'];
  // Every dependency is pinned, so none has to be resolved; wheels only, so that nothing is compiled or run.
  pip.push('--progress-bar', 'off', '--no-deps', '--only-binary', ':all:', '-r', requirements);
  await step(pip, (line) => {
    const collecting = /^Collecting ([\w.-]+)/.exec(line);
    if (collecting) say(`fetching ${collecting[1]}`);
    else if (line.startsWith('Installing collected')) say('installing the packages');
  });
  const stamp = {
    requirements: requirementsHash(),
    version: ownPythonVersion(),
    askedFor: process.env.PYTHON ?? null,
  };
  writeFileSync(stampFile, `${JSON.stringify(stamp, null, 1)}\n`);
}

/**
 * Makes sure that the environment is there and whole, and that its kernel specification starts this Node and this
 * checkout's tslab.
 * @param {{ onStart?: () => void, say?: (text: string) => void }} [progress] `onStart` is called once if there is
 *   something to prepare (about a minute), `say` with what is being done
 * @returns {Promise<{ python: string, env: NodeJS.ProcessEnv, prepared: boolean }>} the environment's Python, the
 *   process environment to run it in, and whether it was made just now
 * @throws {Error} one line that says what to install where Python or its venv module is missing
 */
export async function ensureEnvironment({ onStart = () => {}, say = () => {} } = {}) {
  let prepared = false;
  if (!isReady()) {
    const release = await holdLock('venv', () => say('waiting for another command that prepares .venv'));
    try {
      if (!isReady()) {
        onStart();
        prepared = true;
        await build(say);
      }
    } finally {
      release();
    }
  }
  writeLocalFiles();
  return { python: pythonPath, env: jupyterEnv(), prepared };
}
