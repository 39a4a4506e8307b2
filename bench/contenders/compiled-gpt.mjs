/**
 * @file Contender: this project's own training step as `grok train` runs it, compiled to one native program, with no
 * evaluation due.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mapTree, Program } from 'optimal-grokking/dist/compile/index.js';
import { onnxRuntimeNode } from 'optimal-grokking/dist/compile/runtime.node.js';
import { decodeSafetensors } from 'optimal-grokking/dist/train/safetensors.js';
import { isHostTensor } from 'optimal-grokking/dist/train/state.js';
import { METRICS, prepareRun, scheduleOf } from 'optimal-grokking/dist/train/step.js';
import { serve } from '../harness/serve.mjs';

/** How long one call of the program lasts, about, as in the training loop; ms. */
const CALL = 250;

await serve(async () => {
  const { values } = parseArgs({ options: { inputs: { type: 'string' }, threads: { type: 'string' } } });
  const inputs = String(values.inputs);
  const { tensors, metadata } = decodeSafetensors(readFileSync(inputs), inputs);
  const { step, initial } = prepareRun(JSON.parse(String(metadata.config)));
  /** @type {any} */
  const start = {
    ...initial,
    params: mapTree(initial.params, isHostTensor, (tensor, name) => ({
      ...tensor,
      data: tensors.get(name)?.data,
    })),
    // Nothing is ever due after step 0.
    schedule: scheduleOf(2 ** 30, -1),
  };
  const program = await Program.compile(onnxRuntimeNode, step, start, { threads: Number(values.threads) });
  let state = program.put(start);
  const first = await program.run(state, { steps: 3 });
  state = first.state;
  let callSteps = 3;

  return {
    introduction: {
      name: 'compiled',
      versions: { runtime: onnxRuntimeNode.version },
      settings: { kernels: program.nodeCount },
      losses: [...(first.metrics[METRICS.trainLoss]?.data ?? [])],
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
