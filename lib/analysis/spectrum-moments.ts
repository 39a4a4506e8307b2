/** @file The moments of a run at which its singular values are worth a look. */
import type { Evaluation } from '../train/progress';
import type { Spectrum } from '../train/spectrum';
import { finiteEvaluations, phases } from './phases';

/** A recorded step, and what it is. */
export interface SpectrumMoment {
  readonly label: string;
  readonly step: number;
}

/**
 * The start; when the training rows are memorised; the plateau, in the middle (on a logarithmic axis) between that and the
 * transition; the transition, where validation accuracy has made half of its way from what it was when memorised to 1; when it
 * has generalised; and the end. Each is the recorded step nearest to it; those that the run did not reach, or that fall on one
 * step with another, are left out.
 *
 * @param history the run's evaluations; see `phases` for what `memorised` and `generalised` are
 */
export function spectrumMoments(
  { steps }: Pick<Spectrum, 'steps'>,
  history: readonly Evaluation[] = [],
): SpectrumMoment[] {
  if (steps.length === 0) return [];
  const rows = finiteEvaluations(history);
  const { memorised, generalised } = phases(rows);
  const level = rows.find(({ epoch }) => epoch === memorised)?.validationAccuracy;
  const transition =
    level === undefined
      ? undefined
      : rows.find(
          ({ epoch, validationAccuracy }) =>
            epoch > (memorised as number) && validationAccuracy >= (level + 1) / 2,
        )?.epoch;
  const plateau =
    transition === undefined ? undefined : Math.sqrt(Math.max(1, memorised as number) * transition);
  const wanted: [label: string, step: number | undefined][] = [
    ['start', steps[0]],
    ['memorised', memorised],
    ['plateau', plateau],
    ['transition', transition],
    ['generalised', generalised],
    ['end', steps.at(-1)],
  ];
  const moments = wanted.flatMap(([label, step]): SpectrumMoment[] =>
    step === undefined ? [] : [{ label, step: nearest(steps, step) }],
  );
  return moments
    .filter(({ step }, i) => moments.findIndex((other) => other.step === step) === i)
    .sort((one, other) => one.step - other.step);
}

function nearest(steps: readonly number[], step: number): number {
  return steps.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best));
}
