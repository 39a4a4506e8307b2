/** @file The passes in the order they run. */
import type { Graph } from '../graph';
import { DEFAULT_TARGET, type Precision, type Target } from '../target';
import { shareCommonSubexpressions } from './common-subexpressions';
import { removeDeadCode } from './dead-code';
import { foldConstants } from './fold-constants';
import { fuseAddition } from './fuse-addition';
import { reassociate } from './reassociate';
import { reluGradientFromResult } from './relu-gradient';
import { simplify } from './simplify';
import { squeeze } from './squeeze';
import { computeOnTables } from './tables';
import { unrollShortAxes } from './unroll';

/** A rewriting of the graph that keeps what it computes. */
export interface Pass {
  readonly name: string;
  /**
   * Whether results may be rounded differently: sums in another order, constants computed elsewhere. Where numbers are
   * not finite or overflow on the way, such a pass may also exchange NaN and ±Infinity, make a finite result of an
   * overflow or the reverse, and spread NaN further; the files of `computeOnTables` and `reassociate` say how far.
   */
  readonly changesRounding: boolean;
  readonly run: (graph: Graph) => Graph;
  /** For a pass that computes numbers itself: in what precision. Programs of another do without it. */
  readonly precision?: Precision;
}

const exact = (run: (graph: Graph) => Graph): Pass => ({ name: run.name, changesRounding: false, run });
const rounding = (run: (graph: Graph) => Graph): Pass => ({ name: run.name, changesRounding: true, run });

const folding: Pass = { ...rounding(foldConstants), precision: 'float32' };

/** Turns the graph as traced into one without repetitions and kernels that do nothing. */
const CLEAN: readonly Pass[] = [exact(simplify), folding, exact(simplify), exact(shareCommonSubexpressions)];

/**
 * `simplify` runs before constants are folded, so that their broadcasts are not written out, and again after, for the
 * ones and zeros that folding finds. Then a sequence is cut into positions and axes of length one are left out (the
 * second time for what the first made), so that products are products of matrices; these are re-ordered, and what
 * remains on looked-up rows moves to their tables. `removeDeadCode` sweeps up what each has disconnected, before the
 * passes that count uses.
 */
export const PASSES: readonly Pass[] = [
  ...CLEAN,
  rounding(unrollShortAxes),
  exact(removeDeadCode),
  rounding(squeeze),
  rounding(squeeze),
  ...CLEAN,
  exact(reluGradientFromResult),
  exact(removeDeadCode),
  rounding(reassociate),
  exact(simplify),
  rounding(computeOnTables),
  exact(simplify),
  exact(shareCommonSubexpressions),
  exact(removeDeadCode),
  rounding(fuseAddition),
  exact(removeDeadCode),
];

/** The passes that change no value: what a step computes is then rounded as tfjs rounds it, operation by operation. */
export const EXACT_PASSES: readonly Pass[] = PASSES.filter(({ changesRounding }) => !changesRounding);

/** Those of the passes that a program of this precision is made with. */
export function passesFor(passes: readonly Pass[], { precision }: Pick<Target, 'precision'>): Pass[] {
  return passes.filter((pass) => pass.precision === undefined || pass.precision === precision);
}

export function optimize(
  graph: Graph,
  passes: readonly Pass[] = PASSES,
  target: Target = DEFAULT_TARGET,
): Graph {
  return passesFor(passes, target).reduce((current, pass) => pass.run(current), graph);
}
