/**
 * @file Contender: a step of this project on one of its devices. Compiled, it runs in calls of about a quarter of a
 * second, as `grok train` runs it; on tfjs's own backends it runs operation by operation.
 */
import { parseArgs } from 'node:util';
import { openDevice } from 'optimal-grokking/dist/compile/devices.node.js';
import { inCalls } from '../harness/calls.mjs';
import { runtimeOptions } from '../harness/options.mjs';
import { serve } from '../harness/serve.mjs';
import { FORMS, hasDropout, readStep } from '../models/steps.mjs';

await serve(async () => {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'compiled' },
      inputs: { type: 'string' },
      form: { type: 'string' },
      threads: { type: 'string' },
      device: { type: 'string' },
      spinning: { type: 'string' },
      'true-grad': { type: 'string' },
    },
  });
  const form = FORMS.find((known) => known === values.form);
  if (form === undefined) throw new RangeError(`form is ${values.form}, expected ${FORMS.join(', ')}`);
  const inputs = String(values.inputs);
  const device = await openDevice(/** @type {any} */ (values.device));
  const trueGrad = /** @type {any} */ (values['true-grad']);
  /** @param {{ dropout?: boolean }} options */
  const open = async (options) => {
    const { step, state } = readStep(inputs, form, { ...options, trueGrad });
    return { program: await device.compile(step, state, runtimeOptions(values)), start: state };
  };
  // Losses under dropout are each contender's own: the ones to compare come from steps without.
  const checked = await open({ dropout: false });
  const first = await checked.program.run(checked.program.put(checked.start), { steps: 3 });
  const { program, start } = hasDropout(inputs) ? await open({}) : checked;

  return {
    introduction: {
      name: values.name,
      versions: { runtime: device.version },
      settings: {
        form,
        ...(trueGrad === undefined ? {} : { trueGrad }),
        device: device.name,
        ...('nodeCount' in program ? { kernels: program.nodeCount } : {}),
      },
      losses: [...(first.metrics.trainLoss?.data ?? [])],
    },
    train: inCalls(program, program === checked.program ? first.state : program.put(start)),
  };
});
