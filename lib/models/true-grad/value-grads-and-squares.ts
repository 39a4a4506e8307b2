/**
 * @file Value, gradient and the mean of the examples' squared gradients of a mean loss: what TrueGrad's optimisers take.
 * @see https://github.com/ClashLuke/TrueGrad, whose defects only the form `released` has.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree } from '../../compile';
import { ArgumentError, quoted } from '../../errors';
import { namedTensors, type Params } from '../params';
import { TRUE_GRAD_FORMS, type TrueGradForm } from './form';
import { FORMULAS, type FormulaContext } from './formulas';
import { assembled } from './parts';
import type { Kind, Places } from './places';
import { type PartPlaces, withRecords } from './record';
import type { Uses } from './uses';

/** What the squares are formed over, and how. */
export interface TrueGradOptions {
  /** Examples that the loss is the mean over: first axis of everything that the forward pass marks. */
  readonly examples: number;
  readonly form: TrueGradForm;
}

/**
 * Value of the mean loss of a batch, its gradient, and S: for each element of each parameter the mean over the examples of the
 * squared gradient of the example's own loss, (1/B)·Σ gᵢ².
 *
 * S is right only if the marks are; `checkUses` tells.
 *
 * The form `exact` adds products between places that may be negative, and where they cancel the squares, rounding can leave a
 * sum below 0, whose root would be NaN. So S is at least g², the square of the mean gradient: by Jensen's inequality the true
 * mean of squares is never less, which makes g² the sharpest bound that needs nothing else. The other forms add squares alone, and
 * are no such mean where places share a parameter, so they are left as they are.
 *
 * @param f Returns the loss, a scalar: the mean over the examples of each one's own. Marks every use of every parameter.
 * @returns `grads` and `squares` have the form of `params`.
 * @throws {ArgumentError} for examples that are not a positive whole number, an unknown form, a use whose first axis does not
 *   count the examples, a parameter no use of which is marked, or one whose marks no gradient reaches
 */
export function valueGradsAndSquares<P extends Params>(
  f: (params: P, uses: Uses) => tf.Tensor,
  params: P,
  { examples, form }: TrueGradOptions,
): { value: tf.Scalar; grads: P; squares: P } {
  if (!TRUE_GRAD_FORMS.includes(form)) {
    throw new ArgumentError(
      `unknown form of TrueGrad ${quoted(String(form))}; expected one of ${TRUE_GRAD_FORMS.join(', ')}`,
    );
  }
  return withRecords(f, params, examples, ({ value, grads, records }) => {
    const gradients = new Map(namedTensors(grads));
    const squares = tf.tidy(() =>
      mapTree(params, isTensor, (parameter, name) => {
        const parts = records.get(name) ?? [];
        const formed = assembled(name, parameter.shape, parts, (part, shape) =>
          squaresOf(part, form, {
            shape,
            parameter:
              shape === parameter.shape ? parameter : tf.slice(parameter, part.part[0], part.part[1]),
            examples,
          }),
        );
        if (form !== 'exact' || parts.length === 0) return formed;
        return tf.maximum(formed, tf.square(gradients.get(name) as tf.Tensor));
      }),
    ) as P;
    return { value, grads, squares };
  });
}

function squaresOf<K extends Kind>(
  { kind, places }: PartPlaces,
  form: TrueGradForm,
  context: FormulaContext,
): tf.Tensor {
  return FORMULAS[kind as K][form](places as unknown as readonly Places[K][], context);
}
