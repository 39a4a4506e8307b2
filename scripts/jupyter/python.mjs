/**
 * @file Finds a Python that can make the notebooks' environment: 3.10 or newer, with a working `venv` module. Debian and
 * Ubuntu package that module apart from Python, which is why a Python alone is not enough.
 */
import { spawnSync } from 'node:child_process';

/** The oldest Python that the pinned packages of requirements.txt support, as [major, minor]. */
export const OLDEST = [3, 10];

/** Run by each candidate: its version, its path, and whether `python -m venv` would work (it needs `ensurepip`). */
const PROBE = [
  'import json, sys',
  'try:',
  '    import ensurepip, venv',
  '    works = True',
  'except Exception:',
  '    works = False',
  'print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "venv": works}))',
].join('\n');

/** @typedef {{ command: string[], version: number[], executable: string, venv: boolean }} Python */

/**
 * The commands that may start a Python, the likeliest first.
 * @param {NodeJS.ProcessEnv} env `PYTHON`, if set, is the only candidate: who names one wants that one.
 * @param {string} platform as `process.platform`
 * @returns {string[][]}
 */
export function pythonCandidates(env = process.env, platform = process.platform) {
  if (env.PYTHON) return [[env.PYTHON]];
  const versioned = [14, 13, 12, 11, 10].map((minor) => [`python3.${minor}`]);
  const launcher = platform === 'win32' ? [['py', '-3']] : [];
  return [['python3'], ...launcher, ['python'], ...versioned];
}

/**
 * Asks one command what Python it is; undefined if it does not start one.
 * @param {string[]} command
 * @returns {Python | undefined}
 */
function probe(command) {
  const [file = '', ...args] = command;
  const { status, stdout } = spawnSync(file, [...args, '-c', PROBE], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
  });
  if (status !== 0) return undefined;
  try {
    return { command, ...JSON.parse(stdout) };
  } catch {
    return undefined;
  }
}

const atLeast = (/** @type {number[]} */ [major = 0, minor = 0]) =>
  major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);

/**
 * The first candidate that can make the environment.
 * @param {string[][]} candidates
 * @returns {Python}
 * @throws {Error} one line that says what to install, if there is none
 */
export function findPython(candidates = pythonCandidates()) {
  /** @type {Python[]} */
  const found = [];
  for (const command of candidates) {
    const python = probe(command);
    if (python && atLeast(python.version) && python.venv) return python;
    if (python) found.push(python);
  }
  throw new Error(whatToInstall(found));
}

/**
 * One line for a machine without a usable Python.
 * @param {Python[]} found the Pythons that are there but do not serve
 */
export function whatToInstall(found) {
  const withoutVenv = found.find(({ version }) => atLeast(version));
  if (withoutVenv) {
    const [major, minor] = withoutVenv.version;
    return (
      `Python ${withoutVenv.version.join('.')} (${withoutVenv.executable}) has no working venv module: on Debian/Ubuntu ` +
      `\`sudo apt install python3-venv\` (or python${major}.${minor}-venv), on macOS \`brew install python\`, ` +
      'on Windows reinstall Python from python.org with pip included; then run this again.'
    );
  }
  const seen = found.length
    ? `only Python ${[...new Set(found.map(({ version }) => version.join('.')))].join(', ')} was found`
    : 'none was found';
  const named = process.env.PYTHON ? ` (looked at PYTHON=${process.env.PYTHON} alone)` : '';
  return (
    `The notebooks need Python ${OLDEST.join('.')} or newer, and ${seen}${named}: on Debian/Ubuntu ` +
    '`sudo apt install python3 python3-venv`, on macOS `brew install python`, on Windows ' +
    '`winget install Python.Python.3.13`; then run this again.'
  );
}
