import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it('the example of the README runs as it stands and finds the line', () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  expect(example).toContain('Program.compile');
  // Inside the checkout, so that its imports are found.
  const folder = mkdtempSync(join(root, 'node_modules', '.readme-'));
  try {
    writeFileSync(
      join(folder, 'example.mjs'),
      `${example}\nconst { params: found } = await program.get(state);\nconsole.log(JSON.stringify([found.slope.data[0], found.intercept.data[0]]));\n`,
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(folder, 'example.mjs')], {
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const [slope, intercept] = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
    expect(slope).toBeCloseTo(2, 3);
    expect(intercept).toBeCloseTo(0.5, 3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
