/** @file What every model of this library is: its sizes, its initial parameters, and a pure forward function. */
import type * as tf from '@tensorflow/tfjs-core';
import type { HostTensor, HostTree } from '../compile';
import type { ModelConfig } from './config';
import type { Params } from './params';
import type { TokenBatch } from './rows';
import type { Uses } from './true-grad/uses';

/** How a forward pass is made. */
export interface ForwardOptions {
  /**
   * Present in training: what dropout draws from, with a purpose of its own for each use. Absent in evaluation: nothing is
   * dropped.
   */
  readonly random?: {
    /** The run's seed, a whole number from 0 to 2⁵³ − 1. */
    readonly seed: number;
    /** The training step, int32 scalar. */
    readonly step: tf.Tensor;
  };
  /** Is told of intermediate activations by name, as they are computed; each model says which it names. */
  readonly observe?: (name: string, activation: tf.Tensor) => void;
  /** Is told of every use of a parameter, and gives what the pass goes on with: see `valueGradsAndSquares`. */
  readonly uses?: Uses;
}

/** A model of fixed sizes. Its parameters are data of their own; the same model may be given any of the right shapes. */
export interface Model {
  readonly config: ModelConfig;
  /** Shape of every trained parameter by its dotted name, in a fixed order. The dots are the levels of the parameters' tree. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Tensors that the model's own framework keeps beside its parameters, by name: not trained, but part of a checkpoint. */
  readonly buffers: ReadonlyMap<string, HostTensor>;
  /**
   * Names of the parameters that no gradient reaches, because the function does not depend on them. The model's own
   * framework has them, so its checkpoints do; what is measured on the weights leaves them out, since weight decay alone
   * moves them. Default none.
   */
  readonly withoutGradient?: readonly string[];
  /** Whether weight decay acts on the parameter of this dotted name. Absent: on every one. */
  decays?(name: string): boolean;
  /**
   * Brings parameters back to where the model has them, after every update.
   *
   * @param updated what the optimiser made of `previous`
   */
  project?(updated: Params, previous: Params): Params;
  /** Initial parameters, each drawn from a stream of its own: a function of the seed alone. */
  init(seed: number): HostTree;
  /**
   * Logits of the answers, which are the last tokens of a sequence to be predicted.
   *
   * @returns [answers · rows, classes], the first answer of all rows, then the second
   */
  forward(params: Params, tokens: TokenBatch, options?: ForwardOptions): tf.Tensor2D;
}
