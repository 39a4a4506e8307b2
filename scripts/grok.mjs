/** @file `npm run grok -- …`: builds `lib` if needed, then hands over to the command line in this same process. */
import { createRequire } from 'node:module';
import { ensureBuilt } from './lib-build.mjs';

ensureBuilt();
const { main } = createRequire(import.meta.url)('optimal-grokking/dist/cli/main.node.js');
process.exitCode = await main(process.argv.slice(2));
