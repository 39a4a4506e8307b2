/** @file A probe: a child process that measures something of itself once and prints it as one line of JSON. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A probe that failed. The message is one line. */
export class ProbeError extends Error {
  /** @override */
  name = 'ProbeError';
}

/**
 * Runs a probe to its end. It is told to collect garbage when it asks for it.
 *
 * @param {string} file in `bench/probes/`
 * @param {readonly string[]} args
 * @param {AbortSignal} signal ends it at once
 * @returns {Promise<any>} what it printed
 */
export function runProbe(file, args, signal) {
  const script = fileURLToPath(new URL(`../probes/${file}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      signal,
      killSignal: 'SIGKILL',
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-4_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const why = stderr.split('\n').find((line) => /error/i.test(line)) ?? stderr.trim().split('\n').at(-1);
      if (code === 0) resolve(JSON.parse(stdout));
      else reject(new ProbeError(`${file} ${args.join(' ')} ended with exit code ${code}: ${why?.trim()}`));
    });
  });
}
