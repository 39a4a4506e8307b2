/** @file `npm run docs`: the reference of the package's exports, in `output/site/api/`. */
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from './jupyter/command.mjs';
import { root } from './lib-build.mjs';
import { buildApi } from './site/api.mjs';

await runCommand(async () => {
  const out = join(root, 'output', 'site', 'api');
  await buildApi(out);
  const index = join(out, 'index.html');
  console.log(`The reference is in ${relative(process.cwd(), index)}`);
  console.log(`  ${pathToFileURL(index)}`);
});
