/** @file The passes in the order they run. */
import type { Graph } from '../graph';
import { DEFAULT_TARGET, type Precision, type Target } from '../target';
import { shareCommonSubexpressions } from './common-subexpressions';
import { removeDeadCode } from './dead-code';
import { foldConstants } from './fold-constants';
import { fuseAddition } from './fuse-addition';
import { reluGradientFromResult } from './relu-gradient';
import { simplify } from './simplify';

/** A rewriting of the graph that keeps what it computes. */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
  /** For a pass that computes numbers itself: in what precision. Programs of another do without it. */
  readonly precision?: Precision;
}

/**
 * `simplify` runs before constants are folded, so that their broadcasts are not written out, and again after, for the
 * ones and zeros that folding finds. `removeDeadCode` comes last, to sweep up what the others have disconnected.
 */
export const PASSES: readonly Pass[] = [
  { name: 'simplify', run: simplify },
  { name: 'foldConstants', run: foldConstants, precision: 'float32' },
  { name: 'simplify', run: simplify },
  { name: 'shareCommonSubexpressions', run: shareCommonSubexpressions },
  { name: 'reluGradientFromResult', run: reluGradientFromResult },
  { name: 'fuseAddition', run: fuseAddition },
  { name: 'removeDeadCode', run: removeDeadCode },
];

export function optimize(
  graph: Graph,
  passes: readonly Pass[] = PASSES,
  { precision }: Target = DEFAULT_TARGET,
): Graph {
  return passes
    .filter((pass) => pass.precision === undefined || pass.precision === precision)
    .reduce((current, pass) => pass.run(current), graph);
}
