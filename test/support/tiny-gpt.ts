/** @file A training run small enough for a graphics device that computes in software. */
import { runConfig } from '../../lib/train/config';
import { type PreparedRun, prepareRun } from '../../lib/train/step';

/** The GPT of the presets for p = 11 and width 32, with an evaluation at steps 0, 4, 8 …. */
export function tinyGpt(): PreparedRun {
  return prepareRun(runConfig({ preset: 'gpt', modulus: 11, dModel: 32, steps: 100, evalEvery: 4 }));
}
