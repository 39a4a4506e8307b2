/** @file What sizes and variants a decoder may have. */
import { shown } from '../../compile/errors';
import { ArgumentError } from '../../errors';
import { type DecoderModelConfig, MASK_MODES, POSITION_KINDS } from '../config';
import { checkDropoutAndAnswers, checkModelSizes } from '../sizes';

/** @throws ArgumentError for a value out of range, heads that do not divide dModel, or answers that the mask lets see ahead. */
export function checkDecoderConfig(config: DecoderModelConfig): void {
  checkModelSizes(config);
  checkDropoutAndAnswers(config);
  const { dModel, mask, positions, answers, sequenceLength } = config;
  checkOneOf('mask', mask, MASK_MODES);
  checkOneOf('positions', positions, POSITION_KINDS);
  if (positions === 'sinusoidal' && dModel % 2 !== 0) {
    throw new ArgumentError(
      `d-model ${dModel} is odd, but sinusoidal positions come in pairs; choose an even width or positions learned`,
    );
  }
  if (answers === 2 && (mask !== 'causal' || sequenceLength < 2)) {
    throw new ArgumentError(
      `mask '${mask}' with 2 answers in ${sequenceLength} tokens would let the first answer see the second; use mask causal and at least 2 tokens`,
    );
  }
}

function checkOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new ArgumentError(`${option} is ${shown(value)}, expected one of ${allowed.join(', ')}`);
  }
}
