/** @file The check of the sizes that all transformers have. */
import { shown } from '../compile/errors';
import { ArgumentError, optionName } from '../errors';
import type { GptConfig } from './gpt';

/** No model of this library is near these; beyond them the description of a model alone would fill the memory. */
const LARGEST = { layers: 1000, other: 2 ** 20 };

const SIZES = ['vocabulary', 'sequenceLength', 'classes', 'dModel', 'heads', 'dFF', 'layers'] as const;

/** @throws {ArgumentError} for a size that is no integer in range, or heads that do not divide dModel */
export function checkModelSizes(config: GptConfig): void {
  for (const name of SIZES) {
    const value = config[name];
    const most = name === 'layers' ? LARGEST.layers : LARGEST.other;
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new ArgumentError(
        `${optionName(name)} is ${shown(value)}, expected an integer of at least 1 and at most ${most}`,
      );
    }
  }
  const { dModel, heads } = config;
  if (dModel % heads !== 0) {
    throw new ArgumentError(
      `d-model ${dModel} is not divisible by heads ${heads}; choose a multiple of the number of heads`,
    );
  }
}

/** @throws {ArgumentError} for a dropout that is no share in [0, 1), or a number of answers that no model gives */
export function checkDropoutAndAnswers({
  dropout,
  answers,
}: {
  readonly dropout: number;
  readonly answers: number;
}): void {
  if (!(typeof dropout === 'number' && dropout >= 0 && dropout < 1)) {
    throw new ArgumentError(`dropout is ${shown(dropout)}, expected a share in [0, 1) such as 0.1`);
  }
  if (answers !== 1 && answers !== 2) {
    throw new ArgumentError(`answers is ${shown(answers)}, expected 1 or 2`);
  }
}
