/** @file Squares in double precision, √S element by element, against gradients of single rows and single uses. */
import { describe, it } from 'vitest';
import { SMALL_DECODER } from '../support/decoder';
import { decoderRow, powerRow } from '../support/plain-rows';
import { expectPlainFormsInFloat64, SMALL_POWER, smallDecoder, smallPower } from '../support/true-grad';
import { expectExactInFloat64, PAIRS } from '../support/true-grad-gpt';

describe('squares in float64', () => {
  it('of the GPT with 2 blocks', async () => {
    await expectExactInFloat64(2, PAIRS);
  });

  it.each([
    { mask: 'additive', positions: 'learned' },
    { mask: 'causal', answers: 2 },
    { mask: 'none' },
  ] as const)('of the decoder in every form, %j', async (change) => {
    const config = { ...SMALL_DECODER, ...change };
    await expectPlainFormsInFloat64(smallDecoder(change), (at, tokens) => decoderRow(config, at, tokens));
  });

  it('of the paper’s model in every form', async () => {
    const config = { ...SMALL_POWER, answers: 2 } as const;
    await expectPlainFormsInFloat64(smallPower(config), (at, tokens) => powerRow(config, at, tokens));
  });
});
