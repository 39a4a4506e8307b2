/**
 * @file Contender: a step of this project, compiled to one native program and run in calls of about a quarter of a
 * second, as `grok train` does it; with no evaluation due.
 */
import { parseArgs } from 'node:util';
import { Program } from 'optimal-grokking/dist/compile/index.js';
import { openRuntime, runtimeOptions } from '../harness/device.mjs';
import { serve } from '../harness/serve.mjs';
import { FORMS, readStep } from '../models/steps.mjs';

/** How long one call of the program lasts, about, as in the training loop; ms. */
const CALL = 250;

await serve(async () => {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'compiled' },
      inputs: { type: 'string' },
      form: { type: 'string' },
      threads: { type: 'string' },
      device: { type: 'string' },
      spinning: { type: 'string' },
    },
  });
  const form = FORMS.find((known) => known === values.form);
  if (form === undefined) throw new RangeError(`form is ${values.form}, expected ${FORMS.join(', ')}`);
  const { step, state: start } = readStep(String(values.inputs), form);
  const runtime = await openRuntime(values.device);
  const program = await Program.compile(runtime, step, start, runtimeOptions(values));
  let state = program.put(start);
  const first = await program.run(state, { steps: 3 });
  state = first.state;
  let callSteps = 3;

  return {
    introduction: {
      name: values.name,
      versions: { runtime: runtime.version },
      settings: { form, device: runtime.device, kernels: program.nodeCount },
      losses: [...(first.metrics.trainLoss?.data ?? [])],
    },
    async train(steps) {
      for (let left = steps; left > 0; ) {
        const count = Math.min(callSteps, left);
        const before = performance.now();
        ({ state } = await program.run(state, { steps: count }));
        callSteps = Math.max(1, Math.round((CALL * count) / (performance.now() - before)));
        left -= count;
      }
    },
  };
});
