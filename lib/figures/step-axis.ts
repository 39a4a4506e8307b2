/** @file The logarithmic axis of training steps that several figures share. */
import { formatCount } from '../train/number-format';
import type { Layout } from './figure';
import { type LogAxis, logAxis } from './log-axis';
import { COLOUR, STEP_AXIS } from './theme';

/** Pixels that a tick's label wants. */
const LABEL = 58;

/**
 * Fits a logarithmic axis to steps; step 0 stands with step 1.
 *
 * @param width pixels of the axis
 * @param padding empty room at each end, as a share of its length
 */
export function fitStepAxis(steps: readonly number[], width: number, padding: number): LogAxis {
  return logAxis(
    steps.map((step) => Math.max(1, step)),
    {
      zeroGap: 2,
      maxTicks: Math.max(3, Math.floor(width / LABEL)),
      label: formatCount,
      whole: true,
      padding,
    },
  );
}

/** Such an axis for the layout. @param titled whether its title stands below it */
export function stepAxisLayout(axis: LogAxis, titled: boolean): Layout {
  return {
    type: 'log',
    range: [...axis.range],
    tickmode: 'array',
    tickvals: axis.tickvals,
    ticktext: axis.ticktext,
    ...STEP_AXIS,
    ...(titled
      ? { title: { text: 'step (logarithmic)', font: { size: 12, color: COLOUR.muted }, standoff: 6 } }
      : {}),
  };
}
