/** @file What the check on handwritten digits is to do, as it is written down before it is done. */
import { ArgumentError, FileError, quoted } from '../errors';
import { convNet } from '../models/conv-net';
import type { ImageClassifier } from '../models/image-classifier';
import { mlp } from '../models/mlp';
import type { TrueGradForm } from '../models/true-grad';
import {
  type AnyOptimizerOptions,
  isTrueGrad,
  OPTIMIZERS,
  type OptimizerName,
  type Transform,
} from '../optim';
import { isPlain } from './saved-record';

/** The models that are trained. */
export const DIGITS_MODELS = { mlp, 'conv-net': convNet } as const satisfies Readonly<
  Record<string, () => ImageClassifier>
>;

/** The name of one of them. */
export type DigitsModelName = keyof typeof DIGITS_MODELS;

/** An optimiser to compare, all of it but its learning rate. */
export interface DigitsArm {
  readonly name: string;
  readonly optimizer: OptimizerName;
  readonly options: Omit<AnyOptimizerOptions, 'learningRate'> & { readonly trueGrad?: TrueGradForm };
}

/** The images that each stage trains on, as `splitDigits` splits the 10,000 of `loadDigits`. */
export const DIGITS_TRAINED_ON = { tuning: 7000, test: 8000 } as const;

/** What a run is for: to choose a learning rate, or to be judged. */
export type DigitsStage = keyof typeof DIGITS_TRAINED_ON;

/** The check's protocol. */
export interface DigitsProtocol {
  readonly models: readonly DigitsModelName[];
  readonly arms: readonly DigitsArm[];
  /** What each arm may choose from, ascending. */
  readonly learningRates: readonly number[];
  /** Images of an update, 1 to 7,000; what is left over of an epoch is not seen in it. */
  readonly batchSize: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** How often a run is evaluated, in tuning and in the test: divisors of their steps an epoch. */
  readonly evaluationsPerEpoch: Readonly<Record<DigitsStage, number>>;
  /** Fixes which images are trained on, tuned on and tested on. */
  readonly splitSeed: number;
  readonly tuningSeeds: readonly number[];
  readonly testSeeds: readonly number[];
}

/**
 * Reads the text of a `protocol.json`; what it says beyond the protocol's own members, such as remarks, is left aside.
 *
 * @param source what to call the file in an error, such as its path
 * @throws {FileError} naming the first member that is wrong
 */
export function parseDigitsProtocol(text: string, source = 'protocol.json'): DigitsProtocol {
  const wrong = (what: string, expected: string) =>
    new FileError(`${source}: ${what}, expected ${expected}; correct it.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FileError(`${source} is no JSON: ${quoted((error as Error).message)}; correct it.`);
  }
  if (!isPlain(value)) throw wrong(`it holds ${shownJson(value)}`, 'a record');
  const member = (name: string) => (value as Readonly<Record<string, unknown>>)[name];
  const check = (name: string, isRight: (given: unknown) => boolean, expected: string): unknown => {
    const given = name
      .split('.')
      .reduce<unknown>((node, key) => (isPlain(node) ? node[key] : undefined), value);
    if (!isRight(given)) throw wrong(`${name} is ${shownJson(given)}`, expected);
    return given;
  };
  const whole =
    (least: number, most = 2 ** 31 - 1) =>
    (given: unknown) =>
      Number.isSafeInteger(given) && (given as number) >= least && (given as number) <= most;
  check(
    'models',
    listOf((name) => Object.hasOwn(DIGITS_MODELS, name as string)),
    `some of ${Object.keys(DIGITS_MODELS).join(', ')}`,
  );
  check('learningRates', ascendingRates, 'positive numbers in ascending order');
  const most = DIGITS_TRAINED_ON.tuning;
  check('batchSize', whole(1, most), `a whole number from 1 to ${most}`);
  check('epochs', whole(1), 'a whole number of at least 1');
  for (const stage of Object.keys(DIGITS_TRAINED_ON) as DigitsStage[]) {
    const steps = digitsStepsAnEpoch(value as unknown as DigitsProtocol, stage);
    check(
      `evaluationsPerEpoch.${stage}`,
      (given) => whole(1)(given) && steps % (given as number) === 0,
      `a divisor of the ${steps} steps of an epoch`,
    );
  }
  check('splitSeed', whole(0), 'a whole number from 0');
  for (const name of ['tuningSeeds', 'testSeeds'])
    check(name, distinct(whole(0)), 'different whole numbers from 0');
  const both = (member('testSeeds') as number[]).find((seed) =>
    (member('tuningSeeds') as number[]).includes(seed),
  );
  if (both !== undefined) throw wrong(`seed ${both} is for tuning and for the test`, 'seeds apart');
  check('arms', listOf(isPlain), 'a list of records');
  const arms = member('arms') as readonly Readonly<Record<string, unknown>>[];
  arms.forEach((arm, i) => {
    const place = `arms[${i}]`;
    if (typeof arm.name !== 'string' || arms.findIndex(({ name }) => name === arm.name) !== i) {
      throw wrong(`${place}.name is ${shownJson(arm.name)}`, 'a name of its own');
    }
    if (!Object.hasOwn(OPTIMIZERS, arm.optimizer as string)) {
      throw wrong(`${place}.optimizer is ${shownJson(arm.optimizer)}`, Object.keys(OPTIMIZERS).join(', '));
    }
    const trueGrad = isPlain(arm.options) ? arm.options.trueGrad : undefined;
    if (trueGrad !== undefined && trueGrad !== 'exact' && trueGrad !== 'token') {
      // The weight decay of `released` is not proportional to the update: a learning rate after it makes another optimiser.
      throw wrong(`${place}.options.trueGrad is ${shownJson(trueGrad)}`, 'exact, token');
    }
    try {
      optimizerOf(arm as unknown as DigitsArm);
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      throw new FileError(`${source}: ${place}.options: ${error.message}`);
    }
  });
  return value as unknown as DigitsProtocol;
}

/** Updates of an epoch: 8,000 images of a test make 64 minibatches of 125. */
export function digitsStepsAnEpoch(
  { batchSize }: Pick<DigitsProtocol, 'batchSize'>,
  stage: DigitsStage,
): number {
  return Math.floor(DIGITS_TRAINED_ON[stage] / batchSize);
}

/** An arm's optimiser with a learning rate of 1, which the training step multiplies. */
export function optimizerOf({ optimizer, options }: DigitsArm): Transform {
  return OPTIMIZERS[optimizer]({ ...options, learningRate: 1 });
}

/** How S is formed for an arm; `undefined` for one that does without. */
export function trueGradOf({ optimizer, options }: DigitsArm): TrueGradForm | undefined {
  return isTrueGrad(optimizer) ? (options.trueGrad ?? 'exact') : undefined;
}

/** A value as the file has it, not too much of it. */
function shownJson(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const listOf = (isRight: (item: unknown) => boolean) => (given: unknown) =>
  Array.isArray(given) && given.length > 0 && given.every(isRight);

const distinct = (isRight: (item: unknown) => boolean) => (given: unknown) =>
  listOf(isRight)(given) && new Set(given as unknown[]).size === (given as unknown[]).length;

const ascendingRates = (given: unknown) =>
  listOf((rate) => Number.isFinite(rate) && (rate as number) > 0)(given) &&
  (given as number[]).every((rate, i, all) => i === 0 || rate > (all[i - 1] as number));
