/** @file Squared gradients of single examples of a token model: by its uses, and one example after the other. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { PASSES } from '../../lib/compile';
import type { DecoderModelConfig, PowerModelConfig } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { crossEntropy } from '../../lib/models/loss';
import type { ForwardOptions, Model } from '../../lib/models/model';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { powerModel } from '../../lib/models/power';
import { type TokenBatch, tokenBatch } from '../../lib/models/rows';
import { TRUE_GRAD_FORMS, type TrueGradForm, valueGradsAndSquares } from '../../lib/models/true-grad';
import { labelsOf, paramsOf, perturbed, SMALL_DECODER } from './decoder';
import { DEVICES } from './devices';
import { type At, expectAtLeastSquare, expectRoots, meanOfSquares, squaresByUse } from './squares';
import { compiled } from './true-grad-gpt';

/** A training step's inputs: a model, a batch of it, and what dropout draws from. */
export interface Case {
  readonly model: Model & {
    readonly config: { readonly answers: number; readonly sequenceLength: number; readonly dropout: number };
  };
  readonly tokens: Int32Array;
  /** Default all rows of `tokens`. */
  readonly batch?: TokenBatch;
}

const batchOf = ({ model: { config }, tokens, batch }: Case): TokenBatch =>
  batch ?? tokenBatch(tokens, config.sequenceLength, config.vocabulary);

const optionsOf = ({ model: { config } }: Case): ForwardOptions =>
  config.dropout > 0 ? { random: { seed: 5, step: tf.scalar(2, 'int32') } } : {};

/** The rows of the logits and labels that are an example's answers. */
const answersOf = (example: number, rows: number, answers: number) =>
  tf.tensor1d(
    Array.from({ length: answers }, (_, answer) => answer * rows + example),
    'int32',
  );

function labels(given: Case): tf.Tensor2D {
  const { answers, classes } = given.model.config;
  return labelsOf(answers * batchOf(given).rows, classes);
}

/** Loss, gradients and squares by the model's marks. */
export function markedStep(given: Case, params: Params, form: TrueGradForm = 'exact') {
  const batch = batchOf(given);
  return valueGradsAndSquares(
    (p, uses) => crossEntropy(given.model.forward(p, batch, { ...optionsOf(given), uses }), labels(given)),
    params,
    { examples: batch.rows, form },
  );
}

/** Loss and gradients by the model's ordinary pass. */
export function ordinaryStep(given: Case, params: Params) {
  return valueAndGrads(
    (p) => crossEntropy(given.model.forward(p, batchOf(given), optionsOf(given)), labels(given)),
    params,
  );
}

/**
 * The mean over the examples of the squared gradients of their own losses, each by the ordinary pass over the whole batch, so
 * that all have the dropout that they have there.
 */
export function squaresOneByOne(given: Case, params: Params): Map<string, tf.Tensor> {
  const batch = batchOf(given);
  const { answers } = given.model.config;
  const loss = (example: number, p: Params) => {
    const own = answersOf(example, batch.rows, answers);
    const logits = given.model.forward(p, batch, optionsOf(given));
    return crossEntropy(tf.gather(logits, own), tf.gather(labels(given), own));
  };
  return meanOfSquares(loss, params, batch.rows);
}

/** Tokens and labels of one row of all. */
function rowOf(given: Case, example: number): { tokens: Int32Array; labels: tf.Tensor2D } {
  const { answers, sequenceLength } = given.model.config;
  const rows = given.tokens.length / sequenceLength;
  return {
    tokens: given.tokens.slice(example * sequenceLength, (example + 1) * sequenceLength),
    labels: tf.gather(labels(given), answersOf(example, rows, answers)),
  };
}

/** The same from batches of one row, which needs dropout to be off. */
export function squaresOfSingleRows(given: Case, params: Params): Map<string, tf.Tensor> {
  const { sequenceLength, vocabulary } = given.model.config;
  const loss = (example: number, p: Params) => {
    const { tokens, labels: own } = rowOf(given, example);
    return crossEntropy(given.model.forward(p, tokenBatch(tokens, sequenceLength, vocabulary)), own);
  };
  return meanOfSquares(loss, params, given.tokens.length / sequenceLength);
}

/** A model written out for one row: logits of its answers. */
export type PlainRow = (at: At, tokens: Int32Array) => tf.Tensor2D;

/** Squares in every form by a model written out for one row, with a gradient for each use of a parameter. */
function plainSquares(given: Case, params: Params, plain: PlainRow) {
  const loss = (example: number, at: At) => {
    const { tokens, labels: own } = rowOf(given, example);
    return crossEntropy(plain(at, tokens), own);
  };
  return squaresByUse(loss, params, given.tokens.length / given.model.config.sequenceLength);
}

/** A case with parameters. */
export type CaseWithParams = Case & { readonly params: Params };

/** A case of the model with parameters in which nothing vanishes. */
const caseOf = (model: Model, tokens: Int32Array, seed: number): CaseWithParams => ({
  model: model as Case['model'],
  tokens,
  params: paramsOf(model.shapes.keys(), perturbed(model, seed)),
});

/** Four rows of a small decoder, which all end in the same token. */
export function smallDecoder(change: Partial<DecoderModelConfig>): CaseWithParams {
  const config = { ...SMALL_DECODER, ...change };
  const { sequenceLength } = config;
  const tokens = Int32Array.from({ length: 4 * sequenceLength }, (_, i) =>
    i % sequenceLength === sequenceLength - 1 ? 0 : (i * i + (i >> 2)) % 5,
  );
  return caseOf(decoderModel(config), tokens, 7);
}

const { mask: _, positions: __, ...SHARED } = SMALL_DECODER;

/** The paper's model, small enough for many eager runs, without dropout. */
export const SMALL_POWER: PowerModelConfig = { ...SHARED, model: 'power', sequenceLength: 4 };

/** Four rows of it, with the same operation's sign and "=", which the ordinary pass computes once. */
export function smallPower(change: Partial<PowerModelConfig>): CaseWithParams {
  const config = { ...SMALL_POWER, ...change };
  const tokens = Int32Array.from({ length: 4 * config.sequenceLength }, (_, i) =>
    i % 2 === 1 ? 4 : (i * i + (i >> 2)) % 4,
  );
  return caseOf(powerModel(config), tokens, 3);
}

/** What is right to about 1e-6 of the largest number, squared and added. */
const TOLERANCE = 2e-5;

/** Expects exact squares to be those of one gradient an example, loss and gradients to be those of the ordinary pass. */
export function expectStep({ params, ...given }: CaseWithParams): void {
  tf.tidy(() => {
    const marked = markedStep(given, params);
    const ordinary = ordinaryStep(given, params);
    expect(marked.value.dataSync()).toMatchReference(ordinary.value.dataSync(), TOLERANCE);
    expectTensors(marked.grads, new Map(namedTensors(ordinary.grads)), TOLERANCE, 1e-8);
    const oneByOne = given.model.config.dropout > 0 ? squaresOneByOne : squaresOfSingleRows;
    expectTensors(marked.squares, oneByOne(given, params), TOLERANCE);
    const squares = new Map(namedTensors(marked.squares));
    for (const [name, gradient] of namedTensors(ordinary.grads)) {
      expectAtLeastSquare(squares.get(name)?.dataSync() as Float32Array, gradient.dataSync(), name);
    }
  });
}

/** Expects the squares of every form to be those of the model written out; what it does not use has none. */
export function expectPlainForms({ params, ...given }: CaseWithParams, plain: PlainRow): void {
  tf.tidy(() => {
    const expected = plainSquares(given, params, plain);
    for (const form of TRUE_GRAD_FORMS) {
      const squares = namedTensors(markedStep(given, params, form).squares);
      for (const [name, tensor] of squares) {
        const reference = expected[form].get(name) ?? tf.zerosLike(tensor);
        expect(tensor.dataSync(), `${form} ${name}`).toMatchReference(reference.dataSync(), TOLERANCE);
      }
    }
  });
}

/**
 * The same in float64 for the roots, element by element (`expectRoots`); exact squares are those of single rows too, and at least
 * g².
 */
export async function expectPlainFormsInFloat64(
  { params, ...given }: CaseWithParams,
  plain: PlainRow,
): Promise<void> {
  const named = namedTensors(params);
  const names = named.map(([name]) => name);
  const inOrder = (tensors: ReadonlyMap<string, tf.Tensor>, all: Params) =>
    namedTensors(all).map(([name, tensor]) => tensors.get(name) ?? tf.zerosLike(tensor));
  const results = await compiled(
    (inputs) => {
      const all = paramsOf(names, inputs);
      const expected = plainSquares(given, all, plain);
      const steps = TRUE_GRAD_FORMS.map((form) => markedStep(given, all, form));
      return [
        ...steps.flatMap(({ squares }) => inOrder(new Map(namedTensors(squares)), all)),
        ...TRUE_GRAD_FORMS.flatMap((form) => inOrder(expected[form], all)),
        ...inOrder(squaresOfSingleRows(given, all), all),
        ...inOrder(new Map(namedTensors(ordinaryStep(given, all).grads)), all),
      ];
    },
    named.map(([, tensor]) => tensor),
    { precision: 'float64' },
  );
  const at = (block: number, i: number) => results[block * names.length + i] as ArrayLike<number>;
  const forms = TRUE_GRAD_FORMS.length;
  for (const [i, name] of names.entries()) {
    for (const [f, form] of TRUE_GRAD_FORMS.entries()) {
      expectRoots(at(f, i), at(forms + f, i), `${form} ${name}`);
    }
    const exact = at(TRUE_GRAD_FORMS.indexOf('exact'), i);
    expectRoots(exact, at(2 * forms, i), `single rows, ${name}`);
    expectAtLeastSquare(exact, at(2 * forms + 1, i), name);
  }
}

/** Expects `token` to be `exact`, as it is where every parameter is used at one place. */
export function expectOneForm({ params, ...given }: CaseWithParams): void {
  tf.tidy(() => {
    const exact = new Map(namedTensors(markedStep(given, params, 'exact').squares));
    expectTensors(markedStep(given, params, 'token').squares, exact, 1e-6);
  });
}

/** A step as a function of its parameters' tensors alone, giving the loss, every gradient and every square. */
function stepOfTensors({ params, ...given }: CaseWithParams) {
  const tensors = namedTensors(params);
  const names = tensors.map(([name]) => name);
  const step = (inputs: tf.Tensor[]) => {
    const { value, grads, squares } = markedStep(given, paramsOf(names, inputs));
    return [value, ...[grads, squares].flatMap((tree) => namedTensors(tree).map(([, tensor]) => tensor))];
  };
  return { step, inputs: tensors.map(([, tensor]) => tensor) };
}

type Results = readonly ArrayLike<number>[] | undefined;

/** Expects a loss, gradients and squares of `count` parameters to be those of a reference. */
function expectSameResults(results: Results, reference: Results, count: number): void {
  expect(results).toHaveLength(1 + 2 * count);
  for (const [i, expected] of (reference ?? []).entries()) {
    expect(results?.[i], String(i)).toMatchReference(expected, TOLERANCE);
  }
}

/** Expects loss, gradients and squares to be the same eagerly and compiled. */
export async function expectSameCompiled(given: CaseWithParams): Promise<void> {
  const { step, inputs } = stepOfTensors(given);
  const [eager, onDevice] = await Promise.all(DEVICES.map((device) => device.run(step, inputs)));
  expectSameResults(onDevice, eager, inputs.length);
}

/** Expects loss, gradients and squares of a compiled program to be the same with all passes and with none. */
export async function expectSameWithoutPasses(given: CaseWithParams): Promise<void> {
  const { step, inputs } = stepOfTensors(given);
  const [optimised, plain] = await Promise.all(
    [PASSES, []].map((passes) => compiled(step, inputs, { passes })),
  );
  expectSameResults(optimised, plain, inputs.length);
}

/**
 * Expects tensors to equal a reference, each within its own largest number; where the reference is 0, so must they be.
 *
 * @param floor Reference numbers of at most this size are rounding of 0, and so may be the others.
 */
export function expectTensors(
  actual: Params,
  reference: ReadonlyMap<string, tf.Tensor>,
  tolerance: number,
  floor = 0,
): void {
  for (const [name, tensor] of namedTensors(actual)) {
    const expected = (reference.get(name) as tf.Tensor).dataSync();
    const isZero = expected.every((x) => Math.abs(x) <= floor);
    const error = isZero ? floor : tolerance;
    expect(tensor.dataSync(), name).toMatchReference(isZero ? expected.map(() => 0) : expected, error);
  }
}
