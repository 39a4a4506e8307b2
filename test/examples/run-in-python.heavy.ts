/** @file The example as its README says; the second half where a Python with onnxruntime is found. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples', 'run-in-python');

const run = (command: string, ...args: string[]) => spawnSync(command, args, { cwd: root, encoding: 'utf8' });

/** The environment of the README, or whatever Python has the packages. */
const python = [
  join(example, '.venv', 'bin', 'python'),
  join(example, '.venv', 'Scripts', 'python.exe'),
  process.env.PYTHON_WITH_ONNXRUNTIME ?? 'python3',
  'python',
].find((command) => run(command, '-c', 'import onnxruntime, numpy').status === 0);

describe('examples/run-in-python', () => {
  it('saves a program, a state and losses', () => {
    const { status, stdout, stderr } = run(process.execPath, join(example, 'save.mjs'));
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^20 steps: loss 1\.\d+ to 0\.\d+\n/);
    for (const name of ['program.onnx', 'start.json', 'losses.json'])
      expect(existsSync(join(example, 'out', name))).toBe(true);
  });

  it.skipIf(python === undefined)('trains on in Python, with the losses of JavaScript', () => {
    const { status, stdout, stderr } = run(python as string, join(example, 'run.py'));
    expect([status, stderr]).toEqual([0, '']);
    const [, difference] = /largest relative difference from JavaScript: (\S+)/.exec(stdout) ?? [];
    expect(Number(difference)).toBeLessThan(1e-5);
    const [, after] = /2000 more: loss (\S+)/.exec(stdout) ?? [];
    expect(Number(after)).toBeLessThan(0.3);
  });
});
