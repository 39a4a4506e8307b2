/** @file The matrix products that a training step really has, read off its trace: what the committed lists are held to. */
import { Program } from 'optimal-grokking/dist/compile/index.js';
import { removeDeadCode } from 'optimal-grokking/dist/compile/passes/dead-code.js';
import { onnxRuntimeNode } from 'optimal-grokking/dist/compile/runtime.node.js';

/** Opens nothing: only the graph is wanted. @type {import('optimal-grokking/dist/compile/index.js').Runtime} */
const NO_RUNTIME = {
  ...onnxRuntimeNode,
  open: async () => ({
    run: () => Promise.reject(new Error('this program is not meant to run')),
    release: async () => {},
  }),
};

/**
 * The products of a step as it is written, before any pass.
 *
 * @param {import('../models/training-step.mjs').TrainingStep} training
 * @returns {Promise<Omit<import('./products.mjs').Product, 'name'>[]>}
 */
export async function tracedProducts({ step, state }) {
  const passes = [{ name: 'removeDeadCode', run: removeDeadCode }];
  const { graph } = await Program.compile(NO_RUNTIME, step, state, { passes });
  return graph.nodes
    .filter(({ op }) => op === 'BatchMatMul')
    .map(({ inputs, outputs, attrs }) => {
      const [transA, transB] = [Boolean(attrs.transposeA), Boolean(attrs.transposeB)];
      const [m = 0, n = 0] = outputs[0]?.shape.slice(-2) ?? [];
      const k = Number(inputs[0]?.shape.at(transA ? -2 : -1));
      return { m, k, n, transA, transB };
    });
}
