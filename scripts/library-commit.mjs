/** @file The state of the library's code that a recorded run was made with. */
import { spawnSync } from 'node:child_process';
import { root } from './lib-build.mjs';

/** The last commit that changed the library, with a `+` where files differ from it; `undefined` outside a checkout. */
export function libraryCommit() {
  const git = (/** @type {string[]} */ ...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const { status, stdout } = git('log', '-1', '--format=%h', '--', 'lib');
  if (status !== 0 || stdout.trim() === '') return undefined;
  return `${stdout.trim()}${git('status', '--porcelain', '--', 'lib').stdout === '' ? '' : '+'}`;
}
