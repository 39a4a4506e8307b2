/** @file Write-up 2's GPT as a `Model`. */
import type { GptModelConfig } from './config';
import { asGptParams, gptForward, gptShapes } from './gpt';
import { initializeGpt } from './initialize';
import type { Model } from './model';
import { checkModelSizes } from './sizes';

/**
 * The GPT of the given sizes; it has one answer, at the last position, and no dropout.
 *
 * @throws {ArgumentError} for a size out of range
 */
export function gptModel(config: GptModelConfig): Model {
  const { model: _, init = 'paper', ...sizes } = config;
  checkModelSizes(sizes);
  return {
    config,
    shapes: gptShapes(sizes),
    buffers: new Map(),
    init: (seed) => initializeGpt(sizes, init, seed),
    forward: (params, tokens, options) => gptForward(sizes, asGptParams(params), tokens, options?.uses),
  };
}
