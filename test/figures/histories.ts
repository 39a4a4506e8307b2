/** @file Made-up but lifelike evaluation histories for the tests of figures. */
import type { Evaluation } from '../../lib/train/progress';

/** A grokking run evaluated every 25 steps: training is learned by step 150, validation rises around `jump`. */
export function grokking(steps = 4000, jump = 2500): Evaluation[] {
  return Array.from({ length: Math.floor(steps / 25) + 1 }, (_, index) => {
    const epoch = 25 * index;
    const validationAccuracy = 0.01 + 0.985 / (1 + Math.exp((jump - epoch) / (jump / 15)));
    return {
      epoch,
      trainAccuracy: Math.min(1, 0.01 + (epoch / 150) ** 2),
      trainLoss: 4.7 * Math.exp(-epoch / 60) + 1e-6,
      validationAccuracy,
      validationLoss:
        4.7 + 12 * (1 - validationAccuracy) * Math.min(1, epoch / 200) - 4.69 * validationAccuracy,
    };
  });
}
