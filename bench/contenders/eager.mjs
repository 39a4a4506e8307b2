/** @file Contender: a step of this project run eagerly on one of tfjs's own backends, one step at a time. */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { isHostTensor, isTensor, leavesOf, mapTree } from 'optimal-grokking/dist/compile/index.js';
import { openBackend } from '../harness/backend.mjs';
import { serve } from '../harness/serve.mjs';
import { FORMS, readStep } from '../models/steps.mjs';

await serve(async () => {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'eager' },
      inputs: { type: 'string' },
      form: { type: 'string' },
      backend: { type: 'string' },
    },
  });
  const form = FORMS.find((known) => known === values.form);
  if (form === undefined) throw new RangeError(`form is ${values.form}, expected ${FORMS.join(', ')}`);
  const { step, state: start } = readStep(String(values.inputs), form);
  const versions = await openBackend(String(values.backend));
  let state = mapTree(start, isHostTensor, ({ dtype, shape, data }) => tf.tensor(data, [...shape], dtype));

  /** One step; the tensors of the state before it are freed. @returns {Promise<number>} the loss before it */
  const advance = async () => {
    const { state: next, metrics } = tf.tidy(() => step(state));
    const kept = new Set(leavesOf(next, isTensor).map(([, tensor]) => tensor));
    for (const [, tensor] of leavesOf(state, isTensor)) if (!kept.has(tensor)) tensor.dispose();
    state = next;
    const [loss = Number.NaN] = await metrics.trainLoss.data();
    for (const metric of Object.values(metrics)) tf.dispose(metric);
    return loss;
  };
  const losses = [await advance(), await advance(), await advance()];
  return {
    introduction: { name: values.name, versions, settings: { form, backend: tf.getBackend() }, losses },
    async train(steps) {
      for (let left = steps; left > 0; left--) await advance();
    },
  };
});
