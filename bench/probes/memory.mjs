/**
 * @file Probe: how much a process grows when a program that it has opened runs for the first time, beside what the step
 * has to keep; or, with `--calls`, how much it grows over so many calls of one step.
 */
import { parseArgs } from 'node:util';
import { Program } from 'optimal-grokking/dist/compile/index.js';
import { bytesOf, liveBytes } from '../harness/liveness.mjs';
import { collectGarbage, watchPeak } from '../harness/memory.mjs';
import { openRuntime, runtimeOptions } from '../harness/options.mjs';
import { readUsersStep } from '../models/steps.mjs';

/** Calls before memory is expected to be steady. */
const WARM_UP = 500;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    threads: { type: 'string' },
    device: { type: 'string' },
    evaluate: { type: 'boolean', default: false },
    calls: { type: 'string' },
  },
});
const { evaluate, calls } = values;
const { step, state: start } = readUsersStep(String(values.inputs), { evaluate });
const program = await Program.compile(await openRuntime(values.device), step, start, runtimeOptions(values));

/** @param {import('optimal-grokking/dist/compile/index.js').DeviceState} state @param {number} count */
async function callRepeatedly(state, count) {
  let current = state;
  for (let call = 0; call < count; call++) ({ state: current } = await program.run(current, { steps: 1 }));
  return current;
}

if (calls === undefined) {
  await collectGarbage();
  const peak = watchPeak();
  const opened = process.memoryUsage.rss();
  await callRepeatedly((await program.run(program.put(start), { steps: 5 })).state, 5);
  const { inputs } = program.graph;
  console.log(
    JSON.stringify({
      opened,
      growth: peak() - opened,
      stateBytes: inputs.reduce((sum, value) => sum + bytesOf(value), 0),
      // Of a choice the first block is the evaluation, the second goes without.
      liveBytes: liveBytes(program.graph, { branch: () => (evaluate ? 0 : 1) }),
    }),
  );
} else {
  const warm = await callRepeatedly(program.put(start), WARM_UP);
  await collectGarbage();
  const before = process.memoryUsage.rss();
  await callRepeatedly(warm, Number(calls));
  await collectGarbage();
  console.log(JSON.stringify({ before, after: process.memoryUsage.rss() }));
}
await program.release();
