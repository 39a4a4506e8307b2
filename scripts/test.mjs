/** @file `npm test`: builds `lib` if needed, then runs the unit tests. Further arguments go to the test runner. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, root } from './lib-build.mjs';

ensureBuilt();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const args = process.argv.slice(2);
const result = spawnSync(process.execPath, [vitest, 'run', ...args], { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
