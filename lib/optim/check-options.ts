/** @file Which values the options of the named optimisers may have, and which optimiser has which of them. */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { EPS_MODES } from './moments';
import { type AnyOptimizerOptions, isTrueGrad, type OptimizerName, TRUE_GRAD_NAMES } from './options';
import { DECAY_TARGETS } from './scale';

type OptionName = keyof AnyOptimizerOptions;

/** What messages call options that the command line spells in its own way; all others by their fields. */
export type OptionNames = Partial<Readonly<Record<keyof AnyOptimizerOptions, string>>>;

/** Which optimisers have the options that not all have. */
const HAVE = {
  epsMode: ['adamw', 'adam'],
  beta3: TRUE_GRAD_NAMES,
  graft: TRUE_GRAD_NAMES,
  decayAsReleased: TRUE_GRAD_NAMES,
} as const satisfies Partial<Readonly<Record<OptionName, readonly OptimizerName[]>>>;

/**
 * The squares of gradients below 2⁻⁶³, about 1.1e-19, are less than float32 holds in full precision and may be taken for 0. Under
 * a lower floor such a gradient would be divided by the floor instead of its own size, which makes updates of any length.
 */
const LEAST_FLOOR = 1e-18;

const isNonNegative = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= 0;
const isRate = (value: unknown) => isNonNegative(value) && value < 1;
const isBoolean = (value: unknown) => typeof value === 'boolean';
const isOneOf = (allowed: readonly unknown[]) => (value: unknown) => allowed.includes(value);

/** An option, whether its value is allowed, and what messages say that it should be. */
type Rule = readonly [name: OptionName, isAllowed: (value: unknown) => boolean, expected: string];

/** What each option may be, whatever the others are. */
const RANGES: readonly Rule[] = [
  [
    'learningRate',
    (value) => typeof value === 'function' || (isNonNegative(value) && value > 0),
    'a positive number such as 1e-3',
  ],
  ['weightDecay', isNonNegative, 'a number of at least 0'],
  [
    'betas',
    (value) => Array.isArray(value) && value.length === 2 && value.every(isRate),
    'two numbers in [0, 1) such as [0.9, 0.98]',
  ],
  ['epsMode', isOneOf(EPS_MODES), "'add' or 'floor'"],
  ['beta3', isRate, 'a number in [0, 1) such as 0.999'],
  ['graft', isBoolean, 'true or false'],
  ['decayAsReleased', isBoolean, 'true or false'],
  [
    'warmup',
    (value) => Number.isInteger(value) && isNonNegative(value) && value < 2 ** 31,
    'a whole number of updates from 0 to 2147483647',
  ],
  ['decayTo', isOneOf(DECAY_TARGETS), "'zero' or 'init'"],
  ['gradientNoise', isNonNegative, 'a standard deviation of at least 0'],
  [
    'seed',
    (value) => Number.isSafeInteger(value) && isNonNegative(value),
    'a whole number from 0 to 2^53 - 1',
  ],
];

/** The ranges that no default stands in for. */
const REQUIRED: readonly OptionName[] = ['learningRate', 'weightDecay', 'betas'];

/** What options may be with this optimiser and these others. */
function rulesWith(
  { epsMode, decayAsReleased, weightDecay }: AnyOptimizerOptions,
  names: OptionNames,
  optimizer: OptimizerName | undefined,
): Rule[] {
  const isFloor = epsMode === 'floor' || (optimizer !== undefined && isTrueGrad(optimizer));
  const eps: Rule = isFloor
    ? [
        'eps',
        (value) => isNonNegative(value) && value >= LEAST_FLOOR,
        'a number of at least 1e-18 such as 1e-12',
      ]
    : ['eps', isNonNegative, 'a number of at least 0 such as 1e-8'];
  const withoutMomentum: Rule = [
    'betas',
    (value) => (value as readonly number[])[0] === 0,
    "0 as the first of two, since 'tgrmsprop' has no mean of gradients: such as [0, 0.9]",
  ];
  const released = names.decayAsReleased ?? 'decayAsReleased';
  const withReleasedDecay: Rule[] = [
    ['decayTo', isOneOf(['zero']), `'zero' with ${released}, which is the package's own weight decay`],
    ['decays', () => false, `none with ${released}, whose weight decay acts on every parameter`],
  ];
  return [
    eps,
    ...(optimizer === 'tgrmsprop' ? [withoutMomentum] : []),
    ...(decayAsReleased && weightDecay !== 0 ? withReleasedDecay : []),
  ];
}

/** @throws ArgumentError for anything but a record of options */
export function checkIsRecord(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new ArgumentError(
    `the options of the optimiser are ${shown(options)}, expected a record such as { learningRate: 1e-3, weightDecay: 0, betas: [0.9, 0.98] }`,
  );
}

/**
 * @param names What messages call the options: their fields by default, the command line's spelling where it asks.
 * @param optimizer Whose options they are; without it the ranges alone are checked.
 * @throws ArgumentError for a value outside its range, or an option that the optimiser does not have.
 */
export function checkOptimizerOptions(
  options: AnyOptimizerOptions,
  names: OptionNames = {},
  optimizer?: OptimizerName,
): void {
  checkIsRecord(options);
  if (optimizer !== undefined) checkHad(options, names, optimizer);
  for (const [name, isAllowed, expected] of [...RANGES, ...rulesWith(options, names, optimizer)]) {
    const value = options[name];
    if (isAllowed(value) || (value === undefined && !REQUIRED.includes(name))) continue;
    throw new ArgumentError(`${names[name] ?? name} is ${shown(value)}, expected ${expected}`);
  }
}

/** @throws ArgumentError for an option that another optimiser has, but not this one */
function checkHad(options: AnyOptimizerOptions, names: OptionNames, optimizer: OptimizerName): void {
  for (const [key, owners] of Object.entries(HAVE) as [keyof typeof HAVE, readonly OptimizerName[]][]) {
    if (options[key] === undefined || owners.includes(optimizer)) continue;
    throw new ArgumentError(
      `${names[key] ?? key} is ${shown(options[key])}, but the optimiser '${optimizer}' has no such option; leave it out, or take one of ${owners.join(', ')}`,
    );
  }
}
