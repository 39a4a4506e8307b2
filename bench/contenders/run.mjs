/**
 * @file Contender: the training step of a run as `grok train` makes it, evaluations left out, on one of this project's
 * devices, in calls of about a quarter of a second.
 */
import { parseArgs } from 'node:util';
import { openDevice } from 'optimal-grokking/dist/compile/devices.node.js';
import { runConfig } from 'optimal-grokking/dist/train/config.js';
import { prepareRun } from 'optimal-grokking/dist/train/prepare.js';
import { scheduleOf } from 'optimal-grokking/dist/train/step.js';
import { inCalls } from '../harness/calls.mjs';
import { runtimeOptions } from '../harness/options.mjs';
import { serve } from '../harness/serve.mjs';

await serve(async () => {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'run' },
      options: { type: 'string' },
      threads: { type: 'string' },
      device: { type: 'string' },
    },
  });
  const device = await openDevice(/** @type {any} */ (values.device));
  const { step, initial } = prepareRun(runConfig(JSON.parse(String(values.options))));
  const program = await device.compile(step, initial, runtimeOptions(values));
  // Evaluated at the first step, and then not for longer than any measurement lasts.
  const start = program.put({ ...initial, schedule: scheduleOf(2 ** 30, -1) });
  const first = await program.run(start, { steps: 3 });
  return {
    introduction: {
      name: values.name,
      versions: { runtime: device.version },
      settings: { device: device.name, ...('nodeCount' in program ? { kernels: program.nodeCount } : {}) },
      losses: [...(first.metrics.trainLoss?.data ?? [])],
    },
    train: inCalls(program, first.state),
  };
});
