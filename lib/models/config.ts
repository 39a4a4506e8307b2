/** @file The sizes of every kind of model, told apart by the member `model`. */
import type { GptConfig, GptInitialization } from './gpt';

/** Write-up 2's GPT. */
export interface GptModelConfig extends GptConfig {
  readonly model: 'gpt';
  /** How its parameters begin; default `paper`. */
  readonly init?: GptInitialization;
}

/** A model and its sizes. */
export type ModelConfig = GptModelConfig;

/** The kinds of models. */
export type ModelName = ModelConfig['model'];
