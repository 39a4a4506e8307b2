/** @file Probe: how long a preset's step takes to compile in a process that has compiled nothing before. */
import { parseArgs } from 'node:util';
import { Program } from 'optimal-grokking/dist/compile/index.js';
import { openRuntime, runtimeOptions } from '../harness/options.mjs';
import { readUsersStep } from '../models/steps.mjs';

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, threads: { type: 'string' }, device: { type: 'string' } },
});
const { step, state } = readUsersStep(String(values.inputs));
const runtime = await openRuntime(values.device);
const start = performance.now();
const program = await Program.compile(runtime, step, state, runtimeOptions(values));
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, kernels: program.nodeCount }));
await program.release();
