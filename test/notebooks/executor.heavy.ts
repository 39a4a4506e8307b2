/** @file What `npm start` and `npm run notebooks:update` do with cells that fail, and with cells that do not. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScript, scratchFolder, writeNotebook } from './support';

let folder: string;
beforeAll(() => {
  folder = scratchFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the write-up of one notebook alone. */
async function start(name: string, cells: readonly string[]) {
  const notebooks = join(folder, name);
  mkdirSync(notebooks);
  writeNotebook(notebooks, name, cells);
  const site = join(folder, `${name}-site`);
  const result = await runScript('start.mjs', ['--notebooks', notebooks, '--out', site]);
  return { ...result, site };
}

const FUNCTION = `import { sep } from 'node:path';

interface Setting {
  p: number;
}

function check(setting: Setting): string {
  if (setting.p < 2) {
    throw new RangeError(\`p must be 2 or more, got \${setting.p}\`);
  }
  return sep;
}`;

describe('a failing cell ends npm start with 1 and one place to look at', () => {
  const cases: { name: string; cells: string[]; says: string[] }[] = [
    {
      name: 'thrown',
      cells: ['md:# T', FUNCTION, 'md:text', 'const p: number = 1;\n\ntype Unused = string;\ncheck({ p });'],
      says: ['thrown.ipynb, cell 2, line 4: RangeError: p must be 2 or more, got 1', '  4 | check({ p });'],
    },
    {
      name: 'thrown-later',
      cells: [
        FUNCTION,
        'async function later(): Promise<void> {\n  await null;\n  check({ p: 0 });\n}',
        'const zero = 0;\nawait later();',
      ],
      says: ['cell 3, line 2: RangeError: p must be 2 or more, got 0', '  2 | await later();'],
    },
    {
      name: 'type-error',
      cells: ['const a: number = 3;', 'const ok = 1;\nconst b: string = a;'],
      says: [
        "cell 2, line 2: Type 'number' is not assignable to type 'string'.",
        '  2 | const b: string = a;',
      ],
    },
    {
      name: 'syntax-error',
      cells: ['const a = 3;\n\nconst b = ;'],
      says: ['cell 1, line 3: Expression expected.', '  3 | const b = ;'],
    },
    {
      name: 'rejected',
      cells: [
        'void Promise.reject(new Error("nobody waits"));\nawait new Promise((r) => setTimeout(r, 50));',
      ],
      says: [
        'cell 1, line 1: UnhandledPromiseRejection: Error: nobody waits',
        '  1 | void Promise.reject(new Error("nobody waits"));',
      ],
    },
    { name: 'exited', cells: ['const a = 1;', 'process.exit(3);'], says: ['cell 2: the kernel ended'] },
  ];
  it.each(cases)('$name', async ({ name, cells, says }) => {
    const { code, stderr, site } = await start(name, cells);
    expect(stderr.trim().split('\n')).toEqual(says.map((line) => expect.stringContaining(line)));
    expect(code).toBe(1);
    expect(existsSync(site)).toBe(false);
  });
});

it('an interrupt ends it with 130 within seconds, kernel included', async () => {
  const notebooks = join(folder, 'endless');
  mkdirSync(notebooks);
  writeNotebook(notebooks, 'endless', [
    "import { writeFileSync } from 'node:fs';\nwriteFileSync('pid', String(process.pid));",
    'await new Promise(() => setInterval(() => {}, 1000));',
  ]);
  const result = await runScript('start.mjs', ['--notebooks', notebooks], (stdout, kill) => {
    if (stdout.includes('cell 2/2')) kill('SIGINT');
  });
  expect(result.code).toBe(130);
  expect(result.stderr.trim()).toBe('Interrupted.');
  const kernel = Number(readFileSync(join(notebooks, 'pid'), 'utf8'));
  expect(kernel).toBeGreaterThan(1);
  expect(() => process.kill(kernel, 0)).toThrow('ESRCH');
});

describe('notebooks:update', () => {
  it('writes outputs in place, the same bytes again at the second time, and only in the notebooks named', async () => {
    const notebooks = join(folder, 'update');
    mkdirSync(notebooks);
    const first = writeNotebook(notebooks, '01-first', [
      'md:# First',
      "console.log('once'); console.log('twice');",
    ]);
    const second = writeNotebook(notebooks, '02-second', ['const untouched = 1;']);
    const before = readFileSync(second, 'utf8');
    expect(await runScript('notebooks-update.mjs', ['--notebooks', notebooks, '01'])).toMatchObject({
      code: 0,
    });
    const updated = readFileSync(first, 'utf8');
    const notebook = JSON.parse(updated);
    expect(notebook.cells[1]).toMatchObject({
      id: 'cell-1',
      metadata: {},
      execution_count: 1,
      outputs: [{ output_type: 'stream', name: 'stdout', text: ['once\n', 'twice\n'] }],
    });
    expect(Object.keys(notebook.metadata).sort()).toEqual(['kernelspec', 'language_info']);
    expect(readFileSync(second, 'utf8')).toBe(before);
    const again = await runScript('notebooks-update.mjs', ['--notebooks', notebooks, '01-first.ipynb']);
    expect(again.stdout).toContain('unchanged');
    expect(readFileSync(first, 'utf8')).toBe(updated);
    expect(readdirSync(notebooks)).toEqual(['01-first.ipynb', '02-second.ipynb']);
  });

  it('leaves a notebook alone whose cells fail', async () => {
    const notebooks = join(folder, 'update-failing');
    mkdirSync(notebooks);
    const file = writeNotebook(notebooks, '01-failing', ['console.log(1);', 'throw new Error("no");']);
    const before = readFileSync(file, 'utf8');
    const result = await runScript('notebooks-update.mjs', ['--notebooks', notebooks]);
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('01-failing.ipynb, cell 2, line 1: Error: no'),
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});
