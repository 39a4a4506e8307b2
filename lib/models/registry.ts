/** @file The models there are, by name. */
import { type HostTree, isHostTensor, isTensor, leavesOf } from '../compile';
import { shown } from '../compile/errors';
import { requireRecord } from '../data/arguments';
import { ArgumentError } from '../errors';
import type { ModelConfig, ModelName } from './config';
import { decoderModel } from './decoder';
import { factored } from './factored';
import { gptModel } from './gpt-model';
import type { Model } from './model';
import type { Params } from './params';
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
 * @throws {ArgumentError} for an unknown model or a size out of range; its `forward`, for parameters that are host tensors
 */
export function createModel(config: ModelConfig): Model {
  requireRecord('the sizes of a model', config, "{ model: 'gpt', dModel: 128, … }");
  if (!MODEL_NAMES.includes(config.model)) {
    throw new ArgumentError(`model is ${shown(config.model)}, expected one of ${MODEL_NAMES.join(', ')}`);
  }
  const create = MODELS[config.model] as (config: ModelConfig) => Model;
  const plain = create(config);
  const { factored: which, singularValues = 'free' } = config;
  const model = which === undefined ? plain : factored(plain, { which, singularValues });
  return {
    ...model,
    forward(params, tokens, options) {
      requireTensors(params);
      return model.forward(params, tokens, options);
    },
  };
}

/** @throws {ArgumentError} for parameters as `init` and files give them, which tfjs cannot compute with */
function requireTensors(params: Params): void {
  const isLeaf = (node: unknown): node is object =>
    typeof node === 'object' && node !== null && (isTensor(node as Params) || isHostTensor(node as HostTree));
  const host = leavesOf<object>(params, isLeaf).find(([, leaf]) => !isTensor(leaf as Params));
  if (host === undefined) return;
  throw new ArgumentError(
    `the parameter '${host[0]}' is a host tensor, expected one of tfjs; make them with toTensors(params)`,
  );
}
