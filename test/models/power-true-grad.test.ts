/** @file The paper's model: squared gradients of single examples against gradients of single examples. */
import { describe, it } from 'vitest';
import { powerRow } from '../support/plain-rows';
import {
  expectOneForm,
  expectPlainForms,
  expectSameCompiled,
  expectSameWithoutPasses,
  expectStep,
  SMALL_POWER,
  smallPower,
} from '../support/true-grad';

describe.each([{ answers: 2 }, { dropout: 0.3 }] as const)('%j', (change) => {
  it('squares are those of gradients taken one example at a time; loss and gradients are the ordinary pass’s', () => {
    expectStep(smallPower(change));
  });
});

it('squares of every form are those of the model written out for one row', () => {
  const config = { ...SMALL_POWER, answers: 2 } as const;
  expectPlainForms(smallPower(config), (at, tokens) => powerRow(config, at, tokens));
});

it('have one form where every parameter is used at one place', () => {
  expectOneForm(smallPower({ sequenceLength: 1, layers: 1 }));
});

it('are the same compiled', async () => {
  await expectSameCompiled(smallPower({ layers: 1, sequenceLength: 3, answers: 2, dropout: 0.3 }));
});

it('are the same compiled with all passes and with none', async () => {
  await expectSameWithoutPasses(smallPower({ layers: 1, sequenceLength: 3 }));
});
