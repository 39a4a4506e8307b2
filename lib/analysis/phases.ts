/**
 * @file The stages of a grokking run, read off its accuracy curves alone.
 *
 * The names follow Nanda et al. 2023: a model first memorises, then forms the general circuit while the curves stand
 * still, then cleans the memorising weights up, and only there does validation accuracy jump. They separate the last two
 * by measures on the weights; the boundaries here are a reading of the curves and need nothing but the metrics file.
 *
 * @see Nanda et al. 2023, "Progress measures for grokking via mechanistic interpretability", section 5.
 */
import { ArgumentError } from '../errors';
import type { Evaluation } from '../train/progress';

/** The stages in the order in which they can occur; a run need not show all of them. */
export type PhaseName = 'memorisation' | 'circuit formation' | 'clean-up' | 'generalised';

/** One stage of a run, from step `from` to step `to`; consecutive stages share their boundary and `from < to`. */
export interface Phase {
  readonly name: PhaseName;
  readonly from: number;
  readonly to: number;
}

/** The turning points of a run. A point that was not reached is `undefined`. */
export interface Phases {
  /** First evaluated step with training accuracy ≥ the target. */
  readonly memorised: number | undefined;
  /** Last evaluated step at which validation accuracy had made less than `rise` of its way to the target. */
  readonly rising: number | undefined;
  /** First evaluated step with validation accuracy ≥ the target. */
  readonly generalised: number | undefined;
  /** The stages these points delimit, gapless from the first to the last usable evaluation; empty for fewer than two. */
  readonly spans: readonly Phase[];
}

/** How the turning points are found. */
export interface PhaseOptions {
  /** Accuracy that counts as learned, above 0 and at most 1. Default 0.99. */
  readonly target?: number;
  /**
   * Share of the way from the accuracy when memorised up to the target that validation must have made to count as rising,
   * between 0 and 1. Default 0.1, the lower end of the usual 10 %–90 % rise time.
   */
  readonly rise?: number;
}

/**
 * Finds the turning points and stages of a run.
 *
 * - *Memorisation* lasts until training accuracy first reaches the target.
 * - *Circuit formation* is the plateau after it. It ends at the last evaluation whose validation accuracy lies below
 *   `v₀ + rise · (target − v₀)`, where v₀ is the validation accuracy when memorised. Looking for the *last* such
 *   evaluation keeps a passing spike, common with large learning rates, from being taken for the rise.
 * - *Clean-up* lasts from there until validation accuracy first reaches the target.
 * - *Generalised* is the rest.
 *
 * Evaluations with an accuracy or loss that is not finite are left out, so a run that ended in NaN keeps the stages it
 * went through. Order does not matter.
 *
 * @throws ArgumentError if `target` or `rise` is out of range.
 */
export function phases(history: readonly Evaluation[], options: PhaseOptions = {}): Phases {
  const { target = 0.99, rise = 0.1 } = options;
  if (!(target > 0 && target <= 1)) {
    throw new ArgumentError(`target is ${target}, expected an accuracy above 0 and at most 1, such as 0.99`);
  }
  if (!(rise > 0 && rise < 1)) {
    throw new ArgumentError(`rise is ${rise}, expected a share strictly between 0 and 1, such as 0.1`);
  }
  const rows = finiteEvaluations(history);
  const memorised = rows.find((row) => row.trainAccuracy >= target);
  const generalised = rows.find((row) => row.validationAccuracy >= target);
  const rising = memorised && startOfRise(rows, memorised, generalised, target, rise);
  const points = {
    memorised: memorised?.epoch,
    rising: rising?.epoch,
    generalised: generalised?.epoch,
  };
  return { ...points, spans: spans(rows, points) };
}

/**
 * The evaluations whose four numbers and step are all finite, in order of step.
 * A row of NaN is how a diverged run ends; nothing can be drawn or concluded from it.
 */
export function finiteEvaluations(history: readonly Evaluation[]): Evaluation[] {
  return history
    .filter((row) =>
      [row.epoch, row.trainAccuracy, row.trainLoss, row.validationAccuracy, row.validationLoss].every(
        Number.isFinite,
      ),
    )
    .sort((a, b) => a.epoch - b.epoch);
}

function startOfRise(
  rows: readonly Evaluation[],
  memorised: Evaluation,
  generalised: Evaluation | undefined,
  target: number,
  rise: number,
): Evaluation {
  const before = memorised.validationAccuracy;
  const level = before + rise * (target - before);
  const end = generalised?.epoch ?? Number.POSITIVE_INFINITY;
  return (
    rows.findLast(
      (row) => row.epoch >= memorised.epoch && row.epoch < end && row.validationAccuracy < level,
    ) ?? memorised
  );
}

function spans(rows: readonly Evaluation[], points: Omit<Phases, 'spans'>): Phase[] {
  const first = rows[0];
  const last = rows.at(-1);
  if (!first || !last) return [];
  const { memorised = last.epoch, generalised = last.epoch } = points;
  const learned = Math.min(memorised, generalised); // validation may get there first, when nothing is memorised
  const rising = Math.min(Math.max(points.rising ?? last.epoch, learned), generalised);
  const boundaries: [PhaseName, number, number][] = [
    ['memorisation', first.epoch, learned],
    ['circuit formation', learned, rising],
    ['clean-up', rising, generalised],
    ['generalised', generalised, last.epoch],
  ];
  return boundaries.filter(([, from, to]) => from < to).map(([name, from, to]) => ({ name, from, to }));
}
