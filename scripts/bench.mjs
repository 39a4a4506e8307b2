/** @file `npm run bench -- …`: builds `lib` if needed, then hands over to the benchmark in this same process. */
import { ensureBuilt } from './lib-build.mjs';

ensureBuilt();
const { main } = await import('../bench/run.mjs');
process.exitCode = await main(process.argv.slice(2));
