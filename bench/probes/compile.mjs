/**
 * @file Probe: how long a preset's step takes to compile in a process that has compiled nothing before. With `--cache`,
 * models are looked for and kept in that folder.
 */
import { parseArgs } from 'node:util';
import { Program } from 'optimal-grokking/dist/compile/index.js';
import { fileCache } from 'optimal-grokking/dist/compile/program-store.node.js';
import { openRuntime, runtimeOptions } from '../harness/options.mjs';
import { readUsersStep } from '../models/steps.mjs';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    threads: { type: 'string' },
    device: { type: 'string' },
    cache: { type: 'string' },
  },
});
const { step, state } = readUsersStep(String(values.inputs));
const runtime = await openRuntime(values.device);
const options = {
  ...runtimeOptions(values),
  ...(values.cache === undefined ? {} : { cache: fileCache(values.cache) }),
};
const start = performance.now();
const program = await Program.compile(runtime, step, state, options);
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, modelBytes: program.model.length }));
await program.release();
