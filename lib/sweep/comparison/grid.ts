/**
 * @file The trials of an arm. A grid is a list of trials, or some learning rates times some products of learning rate and
 * weight decay: decoupled decay shrinks a parameter by that product a step, so that rates are tried at equal shrinking. Of decay
 * coupled to the gradient it is the decay itself that is tried with every rate.
 */
import { z } from 'zod';

/** Learning rate and weight decay of one trial. */
export type Trial = readonly [learningRate: number, weightDecay: number];

const positive = z.number().positive();
const some = z.array(positive).min(1);

/** A grid as a file has it, which becomes its trials, learning rate by learning rate. */
export const GRID_SCHEMA = z.union(
  [
    z
      .array(z.tuple([positive, z.number().min(0)]))
      .min(1)
      .readonly(),
    z
      .strictObject({ learningRates: some, products: some })
      .transform(({ learningRates, products }) =>
        trials(learningRates, (learningRate) => products.map((product) => product / learningRate)),
      ),
    z
      .strictObject({ learningRates: some, decays: some })
      .transform(({ learningRates, decays }) => trials(learningRates, () => decays)),
  ],
  {
    error:
      'expected trials [learning rate, decay], or learningRates with products or decays, all of them positive',
  },
);

/** Six digits, so that a quotient such as 0.009 / 0.0015 is 6. */
function trials(
  learningRates: readonly number[],
  decays: (learningRate: number) => readonly number[],
): Trial[] {
  return learningRates.flatMap((learningRate) =>
    decays(learningRate).map((decay) => [learningRate, Number(decay.toPrecision(6))] as const),
  );
}

/** A side of a grid on which a trial lies: a better one may lie beyond. */
export type Edge = 'least rate' | 'greatest rate' | 'least decay' | 'greatest decay';

/** The sides on which a trial lies: of all learning rates, and of the decays that were tried with its own. */
export function edgesOf(grid: readonly Trial[], [learningRate, weightDecay]: Trial): Edge[] {
  const rates = grid.map(([rate]) => rate);
  const decays = grid.flatMap(([rate, decay]) => (rate === learningRate ? decay : []));
  return [
    ...(learningRate === Math.min(...rates) ? (['least rate'] as const) : []),
    ...(learningRate === Math.max(...rates) ? (['greatest rate'] as const) : []),
    ...(weightDecay === Math.min(...decays) ? (['least decay'] as const) : []),
    ...(weightDecay === Math.max(...decays) ? (['greatest decay'] as const) : []),
  ];
}
