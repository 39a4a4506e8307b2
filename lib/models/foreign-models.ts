/** @file The models that can be read from files made elsewhere. */
import { FileError } from '../errors';
import type { ModelConfig, ModelName } from './config';
import { decoderForeign } from './decoder/foreign';
import type { ForeignContent, ForeignFile, ForeignModel, ModelHint } from './foreign';
import { gptForeign } from './gpt-foreign';
import { powerForeign } from './power-foreign';

const FOREIGN_MODELS: {
  readonly [Name in ModelName]: ForeignModel<Extract<ModelConfig, { model: Name }>>;
} = {
  gpt: gptForeign,
  decoder: decoderForeign,
  power: powerForeign,
};

/** The longest sequence read; each position is a part of the compiled program of its own. */
const MOST_POSITIONS = 256;

/**
 * Finds out which model a file holds.
 *
 * @throws {FileError} where the tensors are of no known model, or neither they nor the hint tell its sizes
 */
export function readForeign(file: ForeignFile, hint: ModelHint): ForeignContent {
  const { source, tensors } = file;
  const models = Object.entries(FOREIGN_MODELS) as [ModelName, ForeignModel][];
  const found = models.find(([name, { mark }]) =>
    hint.model === undefined ? tensors.has(mark) : name === hint.model,
  );
  if (found === undefined) {
    const marks = models.map(([name, { mark }]) => `'${mark}' (${name})`).join(', ');
    throw new FileError(`${source} holds no model that is known here; expected a tensor of one: ${marks}`);
  }
  const [name, model] = found;
  const content = model.read(file, hint);
  if (hint.mask !== undefined && name !== 'decoder')
    throw new FileError(`${source} is a ${name}, which has no choice of masks; leave --mask out`);
  const { sequenceLength } = content.config;
  if (sequenceLength > MOST_POSITIONS) {
    throw new FileError(
      `${source} is a model of sequences of ${sequenceLength} tokens, expected at most ${MOST_POSITIONS}`,
    );
  }
  return content;
}
