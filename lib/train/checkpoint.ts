/**
 * @file A checkpoint as a safetensors file: parameters under the names of the model's own framework, beside them what that
 * framework saves with them (the model's buffers), the optimiser's state under `optim.`, and the step and configuration as
 * metadata. In a run's folder the evaluations so far come with it, under `optim.history.`. With `optim.` taken out, it is the
 * framework's own file. Files made elsewhere, without our metadata, can be read for predictions.
 */
import type { HostTensor, HostTree } from '../compile';
import { FileError, quoted } from '../errors';
import type { ModelConfig } from '../models/config';
import { differenceAt, type ModelHint } from '../models/foreign';
import { readForeign } from '../models/foreign-models';
import { treeOfNames } from '../models/initialize';
import type { Model } from '../models/model';
import { createModel } from '../models/registry';
import { datasetSizesOf, modelConfigOf, type RunConfig, runConfig } from './config';
import { encodeSafetensors, type StoredTensor, type TensorFile } from './safetensors';
import { namedHostTensors, type TrainState } from './state';

const FORMAT = 'optimal-grokking checkpoint 1';
/** What the names of tensors begin with that are not the model's but the training's: the optimiser's and the history's. */
export const OPTIMIZER_PREFIX = 'optim.';

const STORED = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;

function stored({ dtype, shape, data }: HostTensor): StoredTensor {
  return { dtype: STORED[dtype], shape, data } as StoredTensor;
}

/** The bytes of a checkpoint. The same state gives the same bytes. */
export function encodeCheckpoint(state: TrainState, config: RunConfig): Uint8Array {
  const optimizer = namedHostTensors(state.optimizer).map(
    ([name, tensor]) => [OPTIMIZER_PREFIX + name, tensor] as const,
  );
  return encode([...modelTensors(state.params, config), ...optimizer], config, state.step.data[0] as number);
}

/** The bytes of the parameters and buffers alone, as published with a finished run; like a checkpoint, without a digest yet. */
export function encodeParameters(params: HostTree, config: RunConfig, step: number): Uint8Array {
  return encode(modelTensors(params, config), config, step);
}

type NamedTensor = readonly [name: string, tensor: HostTensor];

/** What the model's own framework would save. */
function modelTensors(params: HostTree, config: RunConfig): NamedTensor[] {
  return [...namedHostTensors(params), ...createModel(modelConfigOf(config, datasetSizesOf(config))).buffers];
}

function encode(tensors: readonly NamedTensor[], config: RunConfig, step: number): Uint8Array {
  return encodeSafetensors(new Map(tensors.map(([name, tensor]) => [name, stored(tensor)])), {
    format: FORMAT,
    step: String(step),
    config: JSON.stringify(config),
  });
}

/** A model read from a file. */
export interface LoadedModel {
  readonly model: Model;
  readonly params: HostTree;
}

/**
 * The model in a checkpoint of ours, by its metadata; or in any file with the tensors of a model that is known here, by
 * their names and shapes, and what the hint says of that which they leave open.
 *
 * The file must hold every parameter of the model, as F32 or F64, and nothing else, but for `optim.…`, which is not read,
 * and the model's buffers, which may be absent and must otherwise be those that the model uses.
 * @param source The file's name, for messages.
 * @throws FileError where a tensor is missing, misshapen, of another type or not the model's, where the hint contradicts
 * the metadata, and where the sizes of the model remain unknown.
 */
export function loadModel(file: TensorFile, source: string, hint: ModelHint = {}): LoadedModel {
  const given = new Map(
    [...file.tensors]
      .filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX))
      .map(([name, tensor]) => [name, asFloat32(tensor, name, source)]),
  );
  const { config, tensors } =
    file.metadata.format === FORMAT
      ? { config: configOfMetadata(file, source, hint), tensors: given }
      : readForeign({ source, tensors: given }, hint);
  const model = createModel(config);
  const params = [...model.shapes].map(([name, shape]): [string, HostTensor] => {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      throw new FileError(`${source} has no tensor '${name}', expected the parameters of a ${config.model}`);
    checkShape(tensor, shape, name, source);
    return [name, tensor];
  });
  for (const [name, tensor] of tensors) {
    const buffer = model.buffers.get(name);
    if (buffer !== undefined) checkBuffer(tensor, buffer, name, source);
    else if (!model.shapes.has(name)) {
      throw new FileError(
        `${source} has a tensor ${quoted(name)}, which is no part of a ${config.model} of ${config.layers} layers; take it out, or name another model`,
      );
    }
  }
  return { model, params: treeOfNames(params) };
}

function configOfMetadata(file: TensorFile, source: string, hint: ModelHint): ModelConfig {
  let config: ModelConfig;
  try {
    const run = runConfig(JSON.parse(file.metadata.config ?? '') as RunConfig);
    config = modelConfigOf(run, datasetSizesOf(run));
  } catch (error) {
    throw new FileError(`the configuration in ${source} cannot be read: ${(error as Error).message}`);
  }
  if (hint.model !== undefined && hint.model !== config.model)
    throw new FileError(`${source} is a ${config.model}, not a ${hint.model}; leave --model out`);
  if (hint.heads !== undefined && hint.heads !== config.heads) {
    throw new FileError(
      `${source} is a model of ${config.heads} heads, not ${hint.heads}; leave --heads out`,
    );
  }
  const mask = config.model === 'decoder' ? config.mask : undefined;
  if (hint.mask !== undefined && hint.mask !== mask) {
    const fact =
      mask === undefined ? `a ${config.model}, which has no choice of masks` : `a decoder of mask ${mask}`;
    throw new FileError(`${source} is ${fact}, not one of mask ${hint.mask}; leave --mask out`);
  }
  return config;
}

function asFloat32({ dtype, shape, data }: StoredTensor, name: string, source: string): HostTensor {
  if (dtype === 'F32') return { dtype: 'float32', shape, data };
  if (dtype === 'F64') return { dtype: 'float32', shape, data: Float32Array.from(data) };
  throw new FileError(`tensor ${quoted(name)} in ${source} has type ${dtype}, expected F32 or F64`);
}

function checkShape({ shape }: HostTensor, expected: readonly number[], name: string, source: string): void {
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    throw new FileError(
      `'${name}' in ${source} has shape [${shape.join(', ')}], expected [${expected.join(', ')}]`,
    );
  }
}

/** What a model does not train it does not read from a file either: a file with other numbers is of another function. */
function checkBuffer(tensor: HostTensor, buffer: HostTensor, name: string, source: string): void {
  checkShape(tensor, buffer.shape, name, source);
  const at = differenceAt(tensor, buffer);
  if (at === undefined) return;
  throw new FileError(
    `'${name}' in ${source} has ${tensor.data[at]} where this model has ${buffer.data[at]}, as element ${at}; its weights are of another model, see --model and --mask`,
  );
}
