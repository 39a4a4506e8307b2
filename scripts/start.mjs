/**
 * @file `npm start`: executes a copy of every notebook, in order, and leaves the rendered write-up in `output/site/`.
 * The notebooks themselves are not changed (`npm run notebooks:update` does that).
 */
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { listNotebooks, readArguments, runCommand, UsageError, withEnvironment } from './jupyter/command.mjs';
import { executeNotebooks } from './jupyter/execute.mjs';
import { ensureBuilt, root } from './lib-build.mjs';
import { buildApi } from './site/api.mjs';
import { buildSite, mayBecomeSite } from './site/build.mjs';

const USAGE = 'Usage: npm start [-- [--notebooks FOLDER] [--out FOLDER]]';

await runCommand(async () => {
  const { values } = readArguments(
    { options: { notebooks: { type: 'string' }, out: { type: 'string' } } },
    USAGE,
  );
  const folder = resolve(values.notebooks ?? join(root, 'notebooks'));
  const out = resolve(values.out ?? join(root, 'output', 'site'));
  const sources = listNotebooks(folder);
  if (!mayBecomeSite(out)) throw new UsageError(`${out} holds other files: give --out an empty folder.`);
  ensureBuilt();
  const environment = await withEnvironment();
  const jobs = sources.map((source) => ({
    source,
    target: join(root, '.cache', 'executed', relative(folder, source)),
  }));
  const took = await executeNotebooks(environment, jobs);
  const notebooks = jobs.map(({ source, target }) => ({
    source,
    executed: target,
    seconds: took.get(source) ?? 0,
  }));
  // The reference belongs to the project's own notebooks.
  const api = values.notebooks === undefined;
  for (const warning of buildSite(environment, notebooks, out, { api })) console.error(`warning: ${warning}`);
  if (api) await buildApi(join(out, 'api'), { strict: false });
  const index = join(out, 'index.html');
  console.log(`\nThe write-up is in ${relative(process.cwd(), index) || index}`);
  console.log(`  ${pathToFileURL(index)}`);
  console.log('`npm run lab` opens the notebooks in JupyterLab.');
});
