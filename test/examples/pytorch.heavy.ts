/** @file The example as its README says, where a Python with PyTorch is found. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples', 'pytorch');

const run = (command: string, ...args: string[]) => spawnSync(command, args, { cwd: root, encoding: 'utf8' });

/** The environment of the README, that of the benchmarks, or whatever Python has the packages. */
const python = [
  join(example, '.venv', 'bin', 'python'),
  join(example, '.venv', 'Scripts', 'python.exe'),
  join(root, 'bench', 'peers', '.venv', 'bin', 'python'),
  join(root, 'bench', 'peers', '.venv', 'Scripts', 'python.exe'),
  process.env.PYTHON_WITH_TORCH ?? 'python3',
  'python',
].find((command) => run(command, '-c', 'import torch, safetensors.torch, numpy').status === 0);

describe('examples/pytorch', () => {
  it.skipIf(python === undefined)('weights go both ways, and the logits agree', () => {
    const { status, stdout, stderr } = run(python as string, join(example, 'both_ways.py'));
    expect([status, stderr]).toEqual([0, '']);
    const digits = (text: string) => text.replace(/[\d.]+(e-\d+)?/g, '#').trim();
    const readme = readFileSync(join(example, 'README.md'), 'utf8');
    const expected = /```\n(mask additive[^`]*)```/.exec(readme)?.[1] as string;
    expect(digits(stdout)).toBe(digits(expected));
    const differences = [...stdout.matchAll(/largest difference of a logit (\S+)/g)].map(([, text]) => text);
    expect(differences).toHaveLength(4);
    for (const difference of differences) expect(Number(difference)).toBeLessThan(1e-5);
  });
});
