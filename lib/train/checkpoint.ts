/**
 * @file A checkpoint as a safetensors file: parameters under the names of the write-up's own framework, the optimiser's
 * state under `optim.`, and the step and configuration as metadata. Files made elsewhere, without our metadata, can be
 * read for predictions.
 */
import type { HostTensor, HostTree } from '../compile';
import { FileError } from '../errors';
import { checkGptConfig, type GptConfig, gptShapes } from '../models/gpt';
import { treeOfNames } from '../models/initialize';
import { datasetOf, modelConfigOf, type RunConfig, runConfig } from './config';
import { encodeSafetensors, type StoredTensor, type TensorFile } from './safetensors';
import { namedHostTensors, type TrainState } from './state';

const FORMAT = 'optimal-grokking checkpoint 1';
const OPTIMIZER_PREFIX = 'optim.';

const STORED = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;

function stored({ dtype, shape, data }: HostTensor): StoredTensor {
  return { dtype: STORED[dtype], shape, data } as StoredTensor;
}

/** The bytes of a checkpoint. The same state gives the same bytes. */
export function encodeCheckpoint(state: TrainState, config: RunConfig): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of namedHostTensors(state.params)) tensors.set(name, stored(tensor));
  for (const [name, tensor] of namedHostTensors(state.optimizer))
    tensors.set(OPTIMIZER_PREFIX + name, stored(tensor));
  return encodeSafetensors(tensors, {
    format: FORMAT,
    step: String(state.step.data[0]),
    config: JSON.stringify(config),
  });
}

/** The bytes of the parameters alone, as published with a finished run. */
export function encodeParameters(params: HostTree, config: RunConfig, step: number): Uint8Array {
  const tensors = new Map(namedHostTensors(params).map(([name, tensor]) => [name, stored(tensor)] as const));
  return encodeSafetensors(tensors, { format: FORMAT, step: String(step), config: JSON.stringify(config) });
}

/** A model read from a file. */
export interface LoadedModel {
  readonly model: GptConfig;
  readonly params: HostTree;
}

/** What must be said of a model whose file does not say it. */
export interface ModelHint {
  readonly heads?: number;
}

/**
 * The model in a checkpoint of ours, by its metadata; or in any file with the parameters of write-up 2's classes, whose
 * sizes follow from the shapes, but for the number of heads.
 * @param source The file's name, for messages.
 * @throws FileError where a parameter is missing or misshapen, or the number of heads is unknown.
 */
export function loadGpt(file: TensorFile, source: string, hint: ModelHint = {}): LoadedModel {
  const tensors = withBlockNames(file.tensors);
  const model =
    file.metadata.format === FORMAT
      ? modelOfMetadata(file, source, hint)
      : modelOfShapes(tensors, source, hint);
  const params = [...gptShapes(model)].map(([name, shape]): [string, HostTensor] => {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      throw new FileError(`${source} has no tensor '${name}', expected the parameters of a GPT`);
    if (tensor.shape.length !== 2 || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw new FileError(
        `'${name}' in ${source} has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`,
      );
    }
    return [name, { dtype: 'float32', shape, data: asFloat32(tensor, name, source) }];
  });
  return { model, params: treeOfNames(params) };
}

function modelOfMetadata(file: TensorFile, source: string, { heads }: ModelHint): GptConfig {
  let model: GptConfig;
  try {
    const config = runConfig(JSON.parse(file.metadata.config ?? '') as RunConfig);
    model = modelConfigOf(config, datasetOf(config));
  } catch (error) {
    throw new FileError(`the configuration in ${source} cannot be read: ${(error as Error).message}`);
  }
  if (heads !== undefined && heads !== model.heads) {
    throw new FileError(`${source} is a model of ${model.heads} heads, not ${heads}; leave --heads out`);
  }
  return model;
}

/** A file of a single block may leave out the prefix `blocks.0.`. */
function withBlockNames(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      /^(q|k|v|head_out|ff1|ff2)$/.test(name) ? `blocks.0.${name}` : name,
      tensor,
    ]),
  );
}

function modelOfShapes(
  tensors: ReadonlyMap<string, StoredTensor>,
  source: string,
  { heads }: ModelHint,
): GptConfig {
  const shape = (name: string): readonly [number, number] => {
    const tensor = tensors.get(name);
    if (tensor?.shape.length !== 2)
      throw new FileError(`${source} has no matrix '${name}', expected the parameters of a GPT`);
    return tensor.shape as unknown as readonly [number, number];
  };
  if (heads === undefined) {
    throw new FileError(
      `${source} does not say how many attention heads the model has; add --model gpt --heads N`,
    );
  }
  const [vocabulary, dModel] = shape('tok_embed');
  const layers = new Set([...tensors.keys()].flatMap((name) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? []))
    .size;
  const model = {
    vocabulary,
    dModel,
    heads,
    layers,
    sequenceLength: shape('pos_embed')[0],
    dFF: shape('blocks.0.ff1')[1],
    classes: shape('out')[1],
  };
  checkGptConfig(model);
  return model;
}

function asFloat32({ dtype, data }: StoredTensor, name: string, source: string): Float32Array {
  if (dtype === 'F32') return data;
  if (dtype === 'F64') return Float32Array.from(data);
  throw new FileError(`'${name}' in ${source} has type ${dtype}, expected F32 or F64`);
}
