/**
 * @file Value, gradient and the mean of the examples' squared gradients of a mean loss: what TrueGrad's optimisers take.
 * @see https://github.com/ClashLuke/TrueGrad, whose defects only the form `released` has.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree } from '../../compile';
import { ArgumentError, quoted } from '../../errors';
import { namedTensors, type Params, valueAndGrads } from '../params';
import { TRUE_GRAD_FORMS, type TrueGradForm } from './form';
import { FORMULAS, type FormulaContext } from './formulas';
import type { Kind, Places } from './places';
import { type PartPlaces, recordUses } from './record';
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
 * @param f Returns the loss, a scalar: the mean over the examples of each one's own. Marks every use of every parameter.
 * @returns `grads` and `squares` have the form of `params`.
 * @throws {ArgumentError} for examples that are not a positive whole number, an unknown form, a use whose first axis does not
 *   count the examples, or a parameter no use of which is marked
 */
export function valueGradsAndSquares<P extends Params>(
  f: (params: P, uses: Uses) => tf.Tensor,
  params: P,
  { examples, form }: TrueGradOptions,
): { value: tf.Scalar; grads: P; squares: P } {
  if (!Number.isSafeInteger(examples) || examples < 1) {
    throw new ArgumentError(`examples is ${examples}; expected the number of rows in the batch, 1 or more`);
  }
  if (!TRUE_GRAD_FORMS.includes(form)) {
    throw new ArgumentError(
      `unknown form of TrueGrad ${quoted(String(form))}; expected one of ${TRUE_GRAD_FORMS.join(', ')}`,
    );
  }
  const { uses, records, dispose } = recordUses(examples);
  try {
    const { value, grads } = valueAndGrads((given) => {
      const loss = f(given, uses);
      checkNames(params, new Set(records.keys()));
      return loss;
    }, params);
    const squares = mapTree(params, isTensor, (parameter, name) =>
      tf.tidy(() => squaresOf(name, parameter, records.get(name) ?? [], { examples, form })),
    ) as P;
    return { value, grads, squares };
  } finally {
    dispose();
  }
}

function checkNames(params: Params, marked: ReadonlySet<string>): void {
  const names = namedTensors(params).map(([name]) => name);
  const missing = names.filter((name) => !marked.has(name));
  if (missing.length > 0) {
    throw new ArgumentError(
      `no use of ${missing.join(', ')} is marked in the forward pass, so there are no squared gradients; mark each use, or call uses.unused(name) where there is none`,
    );
  }
  const unknown = [...marked].filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new ArgumentError(
      `the forward pass marks a use of ${unknown.join(', ')}, which is not a parameter; expected one of ${names.join(', ')}`,
    );
  }
}

/** S of one parameter. */
function squaresOf(
  name: string,
  parameter: tf.Tensor,
  parts: readonly PartPlaces[],
  { examples, form }: TrueGradOptions,
): tf.Tensor {
  const { shape } = parameter;
  const inOrder = parts
    .filter(({ places }) => places.length > 0)
    .sort((a, b) => (a.part?.[0] ?? 0) - (b.part?.[0] ?? 0));
  const pieces: tf.Tensor[] = [];
  let filled = 0;
  const fillTo = (row: number) => {
    if (row > filled) pieces.push(tf.zeros([row - filled, ...shape.slice(1)]));
  };
  for (const { kind, places, part } of inOrder) {
    const [start, count] = part ?? [0, shape[0] ?? 1];
    if (start < filled || start + count > (shape[0] ?? 1)) {
      throw new ArgumentError(
        `rows ${start} to ${start + count - 1} of ${name}, [${shape}], overlap with another part or go beyond it; expected parts that are equal or apart`,
      );
    }
    fillTo(start);
    const partShape = part === undefined ? shape : [count, ...shape.slice(1)];
    const context: FormulaContext = {
      shape: partShape,
      parameter: part === undefined ? parameter : tf.slice(parameter, [start], [count]),
      examples,
    };
    const squares = formed(kind, form, places, context);
    if (squares.shape.join() !== partShape.join()) {
      throw new ArgumentError(
        `the uses of ${name} give squares of shape [${squares.shape}]; expected [${partShape}], so check what is marked and its option transposed`,
      );
    }
    pieces.push(squares);
    filled = start + count;
  }
  if (pieces.length === 0) return tf.zeros(shape);
  fillTo(shape[0] ?? 1);
  return pieces.length === 1 ? (pieces[0] as tf.Tensor) : tf.concat(pieces, 0);
}

function formed<K extends Kind>(
  kind: K,
  form: TrueGradForm,
  places: readonly PartPlaces['places'][number][],
  context: FormulaContext,
): tf.Tensor {
  return FORMULAS[kind][form](places as readonly Places[K][], context);
}
