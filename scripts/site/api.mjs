/** @file Makes the reference of the package's exports from their docstrings, as pages that work without a network. */
import { join } from 'node:path';
import { Application, LogLevel, OptionDefaults } from 'typedoc';
import { root } from '../lib-build.mjs';

/** Types that a reader of the reference has no use for by name. */
const UNNAMED = ['Bundle', 'DisplayHandle', 'IsLeaf', 'LoadedModules', 'StoredArrays', 'WithLeaves'];

/**
 * Writes the reference.
 * @param {string} out the folder, which is replaced
 * @param {{ strict?: boolean }} [options] whether anything amiss, such as a link to nowhere, is printed and an error;
 *   default true
 */
export async function buildApi(out, { strict = true } = {}) {
  const app = await Application.bootstrap({
    name: 'optimal-grokking',
    entryPoints: [join(root, 'lib', 'index.ts')],
    tsconfig: join(root, 'lib', 'tsconfig.json'),
    readme: 'none',
    navigationLinks: { 'The write-up': '../index.html' },
    sort: ['kind', 'alphabetical'],
    blockTags: [...OptionDefaults.blockTags, '@file'],
    excludeTags: [...OptionDefaults.excludeTags, '@file'],
    intentionallyNotExported: UNNAMED,
    excludePrivate: true,
    disableSources: true,
    hideGenerator: true,
    logLevel: strict ? LogLevel.Warn : LogLevel.Error,
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('The reference could not be made: see the messages above.');
  if (strict) app.validate(project);
  await app.generateDocs(project, out);
  if (strict && (app.logger.hasErrors() || app.logger.hasWarnings())) {
    throw new Error('The reference has the faults named above: mend the docstrings or export the types.');
  }
}
