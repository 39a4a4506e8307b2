/** @file How the arms of a comparison look: colours of Okabe and Ito with a dash each, so that either tells them apart. */

/** A line's look. */
export interface ArmStyle {
  readonly color: string;
  /** Plotly's dash. */
  readonly dash: string;
}

const STYLES: readonly ArmStyle[] = [
  { color: '#0072B2', dash: 'solid' },
  { color: '#D55E00', dash: '7px,3px' },
  { color: '#009E73', dash: '2px,2px' },
  { color: '#AA4499', dash: '9px,3px,2px,3px' },
  { color: '#B8860B', dash: '12px,3px' },
  { color: '#22262B', dash: '4px,2px' },
];

/** Most arms that can be told apart in one panel. */
export const MOST_STYLES = STYLES.length;

/** The look of the arm with this index in its panel, from 0 to `MOST_STYLES` − 1. */
export function armStyle(index: number): ArmStyle {
  return STYLES[index % STYLES.length] as ArmStyle;
}
