/**
 * @file Runs another script of this folder, by name, once the dependencies are known to be there: those scripts import
 * packages, and without them Node would answer with a stack trace.
 */
import { requireDependencies } from './lib-build.mjs';

requireDependencies();
const [name = ''] = process.argv.splice(2, 1);
await import(`./${name}.mjs`);
