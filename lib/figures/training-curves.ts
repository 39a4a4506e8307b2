/**
 * @file The picture of grokking: loss above, accuracy below, over a common logarithmic axis of steps, with the stages of
 * the run shaded behind both.
 */
import { finiteEvaluations, type Phases, phases } from '../analysis/phases';
import { spread } from '../analysis/spread';
import { ArgumentError } from '../errors';
import { formatCount, formatPercent } from '../train/number-format';
import type { Evaluation } from '../train/progress';
import { curveLayout } from './curve-layout';
import { arrivals, bands, mainLines, thinLines } from './curve-traces';
import type { Figure } from './figure';
import { logAxis, powerLabel } from './log-axis';

/** A run to draw: a label for its seed or setting, and its evaluations in any order. */
export interface LabelledHistory {
  readonly label: string;
  readonly history: readonly Evaluation[];
}

/** Choices for `trainingCurves`, all optional. */
export interface TrainingCurvesOptions {
  /** The bold first line. By default a sentence saying when the run memorised and generalised. */
  readonly title?: string;
  /** A smaller second line, such as the run's setting. By default, for several runs, how to read the lines. */
  readonly subtitle?: string;
  /** Design width in pixels, at least 480. Default 800. */
  readonly width?: number;
  /** Design height in pixels, at least 360. Default 560. */
  readonly height?: number;
  /** Accuracy that counts as learned, for the stages and the markers, above 0 and at most 1. Default 0.99. */
  readonly target?: number;
}

/**
 * Draws one run, or several seeds of one setting, as loss (logarithmic) and accuracy against steps (logarithmic).
 *
 * Several runs appear as their median in full strength, a band from the lowest to the highest, and a thin line each; the
 * stages are those of the median. In median and band a run that has ended keeps its last values. Step 0 and losses of exactly 0 stand at ticks labelled `0`. Evaluations that are not
 * finite are left out of the curves, and the title says where the first NaN was.
 *
 * @throws ArgumentError if there is no finite evaluation in any run, or a size or the target is out of range.
 */
export function trainingCurves(
  runs: readonly LabelledHistory[],
  options: TrainingCurvesOptions = {},
): Figure {
  const { width = 800, height = 560, target = 0.99 } = options;
  if (!(width >= 480 && height >= 360)) {
    throw new ArgumentError(`figure size is ${width} × ${height}, expected at least 480 × 360 pixels`);
  }
  const usable = runs
    .map(({ label, history }) => ({ label, history: finiteEvaluations(history) }))
    .filter(({ history }) => history.length > 0);
  const histories = usable.map(({ history }) => history);
  const rows = histories.flat();
  if (rows.length === 0) {
    throw new ArgumentError(
      `the ${runs.length} given runs have no finite evaluation to draw, expected one or more in at least one run`,
    );
  }
  const summary = usable.length > 1 ? spread(histories) : undefined;
  const centre = summary?.median ?? rows;
  const turning = phases(centre, { target });
  const axes = {
    step: logAxis(
      rows.map((row) => row.epoch),
      { zeroGap: 2, maxTicks: width < 600 ? 5 : 8, label: formatCount, whole: true, padding: 0.015 },
    ),
    loss: logAxis(
      rows.flatMap((row) => [row.trainLoss, row.validationLoss]),
      { zeroGap: 10, maxTicks: height < 480 ? 4 : 6, label: powerLabel, padding: 0.06 },
    ),
  };
  const subtitle = options.subtitle ?? (summary && reading(histories));
  return {
    data: [
      ...(summary ? bands(axes, summary) : []),
      ...(summary ? usable.flatMap(({ history, label }) => thinLines(axes, history, label)) : []),
      ...mainLines(axes, centre),
      ...arrivals(axes, histories, { target, label: shortPercent(target), inLegend: width >= 720 }),
    ],
    layout: curveLayout({
      axes,
      stages: turning.spans,
      title: options.title ?? headline(runs, turning, centre, target),
      subtitle,
      width,
      height,
    }),
  };
}

/** How the lines of several runs are to be read. */
function reading(histories: readonly (readonly Evaluation[])[]): string {
  const ends = new Set(histories.map((history) => history.at(-1)?.epoch));
  const ended = ends.size > 1 ? ['ended runs keep their last value'] : [];
  return ['strong line: median', 'band: lowest to highest', 'thin lines: each run', ...ended].join('; ');
}

/** What the curves say, in one sentence. */
function headline(
  runs: readonly LabelledHistory[],
  { memorised, generalised }: Phases,
  centre: readonly Evaluation[],
  target: number,
): string {
  const diverged = runs
    .flatMap(({ history }) => history)
    .filter((row) => Number.isNaN(row.trainLoss) || Number.isNaN(row.validationLoss));
  if (diverged.length > 0) {
    return `The loss became NaN at step ${formatCount(Math.min(...diverged.map((row) => row.epoch)))}`;
  }
  const last = centre.at(-1);
  const state = `validation accuracy ${formatPercent(last?.validationAccuracy ?? 0)} at step ${formatCount(last?.epoch ?? 0)}`;
  const learned = memorised === undefined ? '' : `memorised by step ${formatCount(memorised)}, `;
  const sentence =
    generalised === undefined
      ? learned + state
      : memorised !== undefined && memorised < generalised
        ? `${learned}generalised by step ${formatCount(generalised)}`
        : `validation accuracy ≥ ${shortPercent(target)} from step ${formatCount(generalised)}`;
  return runs.length > 1
    ? `Median of ${runs.length} runs: ${sentence}`
    : sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function shortPercent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}
