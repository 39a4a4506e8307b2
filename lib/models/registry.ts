/** @file The models there are, by name. */
import type { ModelConfig, ModelName } from './config';
import { decoderModel } from './decoder';
import { gptModel } from './gpt-model';
import type { Model } from './model';
import { powerModel } from './power';

/** How to make each kind of model from its sizes. Each checks them. */
const MODELS: { readonly [Name in ModelName]: (config: Extract<ModelConfig, { model: Name }>) => Model } = {
  gpt: gptModel,
  decoder: decoderModel,
  power: powerModel,
};

/** The names of the models, in the order of the table. */
export const MODEL_NAMES = Object.keys(MODELS) as readonly ModelName[];

/**
 * The model of the given kind and sizes.
 *
 * @throws {ArgumentError} for a size out of range
 */
export function createModel(config: ModelConfig): Model {
  const create = MODELS[config.model] as (config: ModelConfig) => Model;
  return create(config);
}
