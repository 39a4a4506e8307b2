/** @file Checks every TypeScript file of the project, tests and benchmarks included, without writing anything. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lib-build.mjs';

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
process.exit(spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit' }).status ?? 1);
