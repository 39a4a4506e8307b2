/** @file The sizes of every kind of model, told apart by the member `model`. */
import type { GptConfig, GptInitialization } from './gpt';

/** Which matrices of a model are factored: all of its hidden ones, or embeddings, positions and head too. */
export type FactoredMatrices = 'hidden' | 'all';

/** The choices there are. */
export const FACTORED_MATRICES: readonly FactoredMatrices[] = ['hidden', 'all'];

/**
 * What the singular values of factored matrices may do: `free`, anything; `undecayed`, the same, but weight decay leaves them
 * alone; `unit`, the largest of each matrix is 1. The others keep what a matrix begins with: `largest`, its largest singular
 * value; `sum`, the sum of all; `norm`, the root of the sum of their squares, which is the norm of the matrix; `fixed`, every
 * one of them.
 */
export type SingularValueRule = 'free' | 'undecayed' | 'unit' | 'largest' | 'sum' | 'norm' | 'fixed';

/** The rules there are. */
export const SINGULAR_VALUE_RULES: readonly SingularValueRule[] = [
  'free',
  'undecayed',
  'unit',
  'largest',
  'sum',
  'norm',
  'fixed',
];

/** Whether matrices train as their singular value decompositions, see `factored`. */
export interface FactoredConfig {
  /** Default none of them. */
  readonly factored?: FactoredMatrices;
  /** Where some are; default `free`. */
  readonly singularValues?: SingularValueRule;
}

/** Write-up 2's GPT. */
export interface GptModelConfig extends GptConfig, FactoredConfig {
  readonly model: 'gpt';
  /** How its parameters begin; default `paper`. */
  readonly init?: GptInitialization;
}

/** What write-up 1's decoder and the paper's model have in common. */
interface TransformerConfig extends GptConfig, FactoredConfig {
  /** Share of activations dropped in training, in [0, 1). */
  readonly dropout: number;
  /** How many of the last tokens are answers: their logits are computed. */
  readonly answers: 1 | 2;
}

/**
 * Who sees whom in the decoder: `additive` adds a learnable matrix to the scores, ones on and below the diagonal at first,
 * which hides nothing (write-up 1); `causal` hides what comes later; `none` hides and adds nothing.
 */
export type MaskMode = 'additive' | 'causal' | 'none';

/** The masks there are. */
export const MASK_MODES: readonly MaskMode[] = ['additive', 'causal', 'none'];

/** How the decoder knows positions: fixed sines and cosines (write-up 1), or a trained table. */
export type PositionKind = 'sinusoidal' | 'learned';

/** The ways there are. */
export const POSITION_KINDS: readonly PositionKind[] = ['sinusoidal', 'learned'];

/** Write-up 1's decoder. */
export interface DecoderModelConfig extends TransformerConfig {
  readonly model: 'decoder';
  readonly mask: MaskMode;
  readonly positions: PositionKind;
}

/** The model of Power et al.'s released code; always causal. */
export interface PowerModelConfig extends TransformerConfig {
  readonly model: 'power';
}

/** A model and its sizes. */
export type ModelConfig = GptModelConfig | DecoderModelConfig | PowerModelConfig;

/** The kinds of models. */
export type ModelName = ModelConfig['model'];
