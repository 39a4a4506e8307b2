/** @file Finding a Python for the notebooks, with programs that stand in for it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython, pythonCandidates } from '../../scripts/jupyter/python.mjs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pythons-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that answers as a Python of this version would. */
function pythonOf(version: readonly number[], venv: boolean): string[] {
  const file = join(folder, `python-${version.join('.')}-${venv}.mjs`);
  const answer = JSON.stringify({ version, executable: '/usr/bin/python3', venv });
  writeFileSync(file, `console.log(${JSON.stringify(answer)})`);
  return [process.execPath, file];
}

const absent = ['no-such-python'];

describe('pythonCandidates', () => {
  it('tries python3 first, then every version from 3.14 down to 3.10', () => {
    expect(pythonCandidates({}, 'linux').map((command) => command.join(' '))).toEqual([
      'python3',
      'python',
      'python3.14',
      'python3.13',
      'python3.12',
      'python3.11',
      'python3.10',
    ]);
  });
  it('asks the launcher on Windows', () => {
    expect(pythonCandidates({}, 'win32')).toContainEqual(['py', '-3']);
  });
  it('takes PYTHON alone where it is set', () => {
    expect(pythonCandidates({ PYTHON: '/opt/python' }, 'linux')).toEqual([['/opt/python']]);
  });
});

describe('findPython', () => {
  it('takes the first that is new enough and has venv', () => {
    const old = pythonOf([3, 9, 18], true);
    const bare = pythonOf([3, 11, 2], false);
    const fitting = pythonOf([3, 10, 0], true);
    const newer = pythonOf([3, 14, 0], true);
    expect(findPython([absent, old, bare, fitting, newer])).toMatchObject({
      command: fitting,
      version: [3, 10, 0],
    });
    expect(findPython([newer, fitting])).toMatchObject({ command: newer });
  });

  const said = (candidates: string[][]) => {
    try {
      findPython(candidates);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  it('says in one line what to install on each system where there is none', () => {
    const message = said([absent]);
    expect(message).toContain('Python 3.10 or newer, and none was found');
    for (const part of ['Debian/Ubuntu', 'apt install python3 python3-venv', 'macOS', 'Windows']) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain('\n');
  });
  it('names a Python that is too old', () => {
    expect(said([pythonOf([3, 9, 18], true)])).toContain('only Python 3.9.18 was found');
  });
  it('says what is missing where venv does not work', () => {
    const message = said([pythonOf([3, 9, 1], true), pythonOf([3, 11, 2], false)]);
    expect(message).toMatch(
      /^Python 3\.11\.2 \(\/usr\/bin\/python3\) has no working venv module: .*python3-venv/,
    );
    expect(message).toContain('python3.11-venv');
    expect(message).not.toContain('\n');
  });
  it.skipIf(process.platform === 'win32')('passes over a command that fails or answers nonsense', () => {
    const broken = join(folder, 'broken');
    writeFileSync(broken, '#!/bin/sh\necho hello\n');
    chmodSync(broken, 0o755);
    const fitting = pythonOf([3, 12, 1], true);
    expect(findPython([[broken], fitting])).toMatchObject({ command: fitting });
  });
});
