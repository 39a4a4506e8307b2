/**
 * @file `npm run notebooks:update`: executes the notebooks in place and so refreshes their committed outputs. A notebook
 * is replaced only after all its cells have run; the written form is the one JupyterLab saves, without what changes from
 * one execution to the next (times, cell ids of the editor's choice, its state), so that a diff shows results alone.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { listNotebooks, readArguments, runCommand, withEnvironment } from './jupyter/command.mjs';
import { executeNotebooks } from './jupyter/execute.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

const USAGE =
  'Usage: npm run notebooks:update [-- [--notebooks FOLDER] [NAME …]], for example 04-training or 04.';

await runCommand(async () => {
  const { values, positionals } = readArguments(
    { options: { notebooks: { type: 'string' } }, allowPositionals: true },
    USAGE,
  );
  const folder = resolve(values.notebooks ?? join(root, 'notebooks'));
  const sources = listNotebooks(folder, positionals);
  ensureBuilt();
  const environment = await withEnvironment();
  mkdirSync(join(root, '.cache'), { recursive: true });
  const work = mkdtempSync(join(root, '.cache', 'update-'));
  try {
    for (const source of sources) {
      const target = join(work, basename(source));
      await executeNotebooks(environment, [{ source, target }]);
      replace(source, target);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

/** Puts the executed notebook in its place in one move, if it differs. */
function replace(source, target) {
  const label = relative(process.cwd(), source);
  if (readFileSync(source).equals(readFileSync(target))) {
    console.log(`${label}: unchanged`);
    return;
  }
  const beside = `${source}.new`;
  copyFileSync(target, beside);
  renameSync(beside, source);
  console.log(`${label}: updated`);
}
