/**
 * @file `npm run test:heavy`: the checks that need more than Node: Python for the notebooks' machinery, Chromium for pages
 * and WebGPU, and minutes for memory. Arguments go to the test runner.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runCommand, withEnvironment } from './jupyter/command.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

await runCommand(async () => {
  ensureBuilt();
  await withEnvironment();
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(root, 'vitest.heavy.config.mjs');
  const args = [vitest, 'run', '--config', config, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
});
