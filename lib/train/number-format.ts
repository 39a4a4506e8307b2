/**
 * @file Numbers as people read them in progress lines, bars and figure titles.
 */

const GROUPED = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** A count with thousands separators: 12500 → `12,500`. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? GROUPED.format(count) : '–';
}

/** A loss in two significant digits: `4.8`, `0.032`, `1.2e-6`, `0`, `NaN`. */
export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return String(loss);
  if (loss === 0) return '0';
  const size = Math.abs(loss);
  if (size < 1e-3 || size >= 1e5) return loss.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return size >= 100 ? loss.toFixed(0) : String(Number(loss.toPrecision(2)));
}

/**
 * A share of 1 as a percentage with one decimal: 0.993 → `99.3 %`, 1 → `100 %`.
 * Rounded down, so that only a perfect score reads 100 %.
 */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  if (share >= 1) return '100 %';
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)} %`;
}

/** A duration: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`; `–` when unknown. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const padded = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${padded(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} min`;
}

/** A speed: `0.42 steps/s`, `38.2 steps/s`, `1,250 steps/s`. */
export function formatSpeed(stepsPerSecond: number): string {
  if (!(stepsPerSecond > 0) || !Number.isFinite(stepsPerSecond)) return '– steps/s';
  const digits = stepsPerSecond < 1 ? 2 : stepsPerSecond < 100 ? 1 : 0;
  return `${digits === 0 ? formatCount(stepsPerSecond) : stepsPerSecond.toFixed(digits)} steps/s`;
}
