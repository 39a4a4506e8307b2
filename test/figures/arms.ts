/** @file Arms of a comparison as figures take them: steps that differ by arm and seed as real ones do. */
import { randomStream } from '../../lib/data/random';
import type { Effect } from '../../lib/figures/effect-forest';

export const ARMS = [
  ['AdamW', 'Baselines', 600, 0.2],
  ['Adam, coupled L2', 'Baselines', 1700, 0.5],
  ['AdamW, β2 .999, eps floor', 'Baselines', 700, 0.25],
  ['TG-AdamW, β3 .98', 'TrueGrad-Adam', 520, 0.2],
  ['TG-AdamW, β3 .98, graft', 'TrueGrad-Adam', 640, 0.15],
  ['TG-AdamW, β3 .999', 'TrueGrad-Adam', 900, 0.6],
  ['TG-AdamW, β3 .999, graft', 'TrueGrad-Adam', 660, 0.2],
  ['TG-LaProp', 'Other TrueGrad', 700, 0.3],
  ['TG-RMSProp', 'Other TrueGrad', 1200, 0.4],
  ['as released', 'Other TrueGrad', 2600, 0.5],
] as const;

/** One run a seed; steps are multiples of 25, and a run beyond the budget is censored there. */
export function runsOf(arm: number, seeds = 12, budget = 3000) {
  const [, , centre, spread] = ARMS[arm] as (typeof ARMS)[number];
  return Array.from({ length: seeds }, (_, seed) => {
    const shared = randomStream(seed, 'seed').normal();
    const own = randomStream(seed, `arm ${arm}`).normal();
    const step = 25 * Math.round((centre * Math.exp(spread * (0.7 * shared + 0.7 * own))) / 25);
    return { seed, step: Math.min(step, budget), censored: step > budget };
  });
}

export const SURVIVAL_ARMS = ARMS.map(([label, panel], i) => ({ label, panel, observations: runsOf(i) }));
export const STRIP_ARMS = ARMS.map(([label], i) => ({ label, runs: runsOf(i) }));
export const EFFECTS: readonly Effect[] = [
  { label: 'TG-AdamW, β3 .999, against AdamW with its floor', estimate: 1.2, low: 0.8, high: 1.75 },
  { label: 'TG-AdamW, β3 .98', estimate: 0.74, low: 0.66, high: 0.85, note: 'p .004, adjusted .03' },
  { label: 'best TrueGrad against AdamW', estimate: 1.01, low: 0.9, high: 1.08 },
  { label: 'as released', estimate: 3.2, low: 2.4, high: Number.POSITIVE_INFINITY },
];
