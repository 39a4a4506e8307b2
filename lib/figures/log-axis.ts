/**
 * @file Logarithmic axes that can show zero.
 *
 * Step 0 and a loss that rounds to exactly 0 are real measurements, but a logarithm has no place for them. They are
 * drawn a little before the smallest positive value, at a tick labelled `0`.
 */

/** A logarithmic axis fitted to some values. */
export interface LogAxis {
  /** Where a value ≥ 0 is drawn, in the axis's own (positive) units; a value that is not positive goes to the zero tick. */
  place(value: number): number;
  /** Base-10 logarithms of the two ends, as Plotly's `range` wants them. */
  readonly range: readonly [number, number];
  readonly tickvals: readonly number[];
  /** One label a tick, in Plotly's markup. */
  readonly ticktext: readonly string[];
}

/** How a `LogAxis` is fitted. */
export interface LogAxisOptions {
  /** Distance of the zero tick from the smallest positive value, as a factor above 1. */
  readonly zeroGap: number;
  /** Most ticks to draw. */
  readonly maxTicks: number;
  readonly label: (value: number) => string;
  /** Whether only whole numbers are labelled, as on an axis that counts. Default false. */
  readonly whole?: boolean;
  /** Empty room at each end, as a share of the axis's length. Default 0.02. */
  readonly padding?: number;
}

/** Decades an axis spans at least, so that nearly equal values are not blown up. */
const SHORTEST = 0.5;
/** Share of the axis next to the zero tick that no other tick enters, or their labels would touch. */
const ZERO_CLEARANCE = 0.11;

/** Fits a logarithmic axis to values ≥ 0; those that are not finite are ignored. */
export function logAxis(values: Iterable<number>, options: LogAxisOptions): LogAxis {
  const { zeroGap, maxTicks, label, whole = false, padding = 0.02 } = options;
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  let zero = false;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value <= 0) {
      zero = true;
    } else {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (high === 0) [low, high] = [1, 1];
  const floor = low / zeroGap;
  let start = Math.log10(zero ? floor : low);
  let end = Math.log10(high);
  const missing = SHORTEST - (end - start);
  if (missing > 0) {
    end += zero ? missing : missing / 2;
    start -= zero ? 0 : missing / 2;
  }
  const room = (end - start) * padding;
  const nearest = start + (end - start) * ZERO_CLEARANCE;
  const ticks = niceTicks(10 ** start, 10 ** end, maxTicks).filter(
    (tick) => (!zero || Math.log10(tick) >= nearest) && (!whole || Number.isInteger(tick)),
  );
  return {
    place: (value) => (value > 0 ? value : floor),
    range: [start - room, end + room],
    tickvals: zero ? [floor, ...ticks] : ticks,
    ticktext: [...(zero ? ['0'] : []), ...ticks.map(label)],
  };
}

/** As many round values from `low` to `high` as fit; on long axes powers of ten with a constant stride. */
function niceTicks(low: number, high: number, maxTicks: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const within = (mantissas: readonly number[]) => {
    const ticks: number[] = [];
    for (let exponent = first; exponent <= last; exponent++) {
      for (const mantissa of mantissas) {
        const tick = Number(`${mantissa}e${exponent}`);
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    return ticks;
  };
  const candidates = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]].map(within);
  const fitting = candidates.find((ticks) => ticks.length <= maxTicks);
  if (fitting) return fitting;
  const powers = candidates[candidates.length - 1] ?? [];
  const stride = Math.ceil(powers.length / maxTicks);
  return powers.filter((tick) => Math.round(Math.log10(tick)) % stride === 0);
}

/** A label for a power of ten or a small multiple of one: `500`, `0.02`, `10<sup>−6</sup>`, `2·10<sup>−7</sup>`. */
export function powerLabel(value: number): string {
  if (value >= 1e-3 && value < 1e5) return String(Number(value.toPrecision(3)));
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  const mantissa = Number((value / 10 ** exponent).toPrecision(3));
  const power = `10<sup>${exponent < 0 ? '−' : ''}${Math.abs(exponent)}</sup>`;
  return mantissa === 1 ? power : `${mantissa}·${power}`;
}
