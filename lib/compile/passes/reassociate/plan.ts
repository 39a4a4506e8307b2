/**
 * @file Which intermediate matrices to make, and which to multiply out. Making them all is the graph as it was traced;
 * from there each in turn is multiplied out, or made again, where that saves work, until nothing does.
 */
import type { Block, Value } from '../../graph';
import type { SpecialFactors } from './chains';
import { Draft, type Target } from './draft';
import { linearNodes } from './linear';

/** Savings below this share of the whole are not worth another rounding. */
const LEAST_GAIN = 0.002;

/** Rounds through all choices; what these leave is not worth the time. */
const MOST_ROUNDS = 8;

export interface Plan {
  /** In the order in which the block computes them. */
  readonly targets: readonly Target[];
  /** Whether that saves work, by the estimate of `cost.ts`. */
  readonly pays: boolean;
}

/**
 * Plans the matrices of a block.
 * @param needed Values that something else than a linear node of this block needs.
 * @param uses How often each value is used.
 */
export function plan(
  block: Block,
  needed: ReadonlySet<Value>,
  uses: ReadonlyMap<Value, number>,
  special: SpecialFactors,
): Plan {
  const linear = linearNodes(block, special);
  // What no linear node takes is made in any case, and a product that one takes alone is no choice: the order of its
  // chain decides whether it is made.
  const taken = new Set([...linear.values()].flatMap(({ node }) => node.inputs));
  const choices = [...linear].flatMap(([value, { node }]) =>
    taken.has(value) && (node.op === 'Add' || (uses.get(value) ?? 0) > 1) ? [value] : [],
  );
  const before = new Draft(linear, needed, linear.keys()).cost;
  const draft = new Draft(linear, needed, choices);
  for (let round = 0, improved = true; improved && round < MOST_ROUNDS; round++) {
    improved = false;
    for (const value of choices) {
      const { cost } = draft;
      draft.toggle(value);
      if (draft.cost < cost - LEAST_GAIN * before) improved = true;
      else draft.toggle(value);
    }
  }
  return { targets: draft.targets(), pays: draft.cost < before - LEAST_GAIN * before };
}
