/** @file Initial parameters, drawn on the host. */
import type { HostTensor, HostTree, Tree } from '../compile';
import { randomStream } from '../data/random';
import { type GptConfig, type GptInitialization, gptShapes, gptStandardDeviation } from './gpt';

/** Puts tensors into nested records by their dotted names: `blocks.0.q` into `{ blocks: { 0: { q } } }`. */
export function treeOfNames<L>(tensors: Iterable<readonly [name: string, tensor: L]>): Tree<L> {
  const root: Record<string, unknown> = {};
  for (const [name, tensor] of tensors) {
    const path = name.split('.');
    const leaf = path.pop() as string;
    let node = root;
    for (const key of path) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node[leaf] = tensor;
  }
  return root as Tree<L>;
}

/**
 * Parameters of a GPT, each matrix from its own stream of draws (seed, `init/<name>`), so that one matrix does not
 * depend on the sizes of the others.
 */
export function initializeGpt(config: GptConfig, init: GptInitialization, seed: number): HostTree {
  return treeOfNames(
    [...gptShapes(config)].map(([name, shape]): [string, HostTensor] => {
      const std = gptStandardDeviation(config, init, name);
      const data = randomStream(seed, `init/${name}`).normals(shape[0] * shape[1], std);
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}
