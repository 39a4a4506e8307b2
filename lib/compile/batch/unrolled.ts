/** @file What is done for a kernel without a rule: one call an instance, always right and never fast. */
import { at } from '../kernels/rule';
import type { BatchRule } from './rule';

export const unrolled: BatchRule = ({ node, inputs, build }) => {
  const parts = inputs.map(({ value, batched }) => (batched ? build.instances(value) : undefined));
  const calls = Array.from({ length: build.n }, (_, instance) =>
    build.add(
      node.op,
      inputs.map(({ value }, i) => parts[i]?.[instance] ?? value),
      node.attrs,
      node.outputs,
    ),
  );
  return node.outputs.map((_, result) => build.pack(calls.map((outputs) => at(outputs, result))));
};
