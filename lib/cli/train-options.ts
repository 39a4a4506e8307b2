/** @file The options of `grok train`, in the groups that its help shows them in. */
import { Option } from 'commander';
import { DEVICE_REQUESTS } from '../compile/devices';
import { operationNames } from '../data/operations';
import { SPLIT_METHODS } from '../data/split';
import { TOKEN_FORMS } from '../data/token-forms';
import { FACTORED_MATRICES, MASK_MODES, POSITION_KINDS, SINGULAR_VALUE_RULES } from '../models/config';
import { TRUE_GRAD_FORMS } from '../models/true-grad/form';
import { DECAY_TARGETS, EPS_MODES, OPTIMIZERS } from '../optim';
import { PRESETS, type Preset } from '../train/presets';
import { parseBetas, parseNumber } from './parse';

/** A description with what the preset `gpt` has there, or another one for an option that a gpt lacks. */
function withUsual(description: string, key?: keyof Preset, preset: keyof typeof PRESETS = 'gpt'): string {
  return key === undefined ? description : `${description} (${preset}: ${PRESETS[preset][key]})`;
}

const number = (flags: string, description: string, key?: keyof Preset) =>
  new Option(flags, withUsual(description, key)).argParser(parseNumber);

const choice = (
  flags: string,
  description: string,
  choices: readonly string[],
  key?: keyof Preset,
  preset?: keyof typeof PRESETS,
) => new Option(flags, withUsual(description, key, preset)).choices([...choices]);

const data = () => [
  choice('--operation <name>', 'what to learn', operationNames(), 'operation'),
  number('--p <integer>', 'the p of "mod p", at least 2', 'modulus'),
  choice('--tokens <form>', 'how a pair is written as tokens', TOKEN_FORMS, 'tokens'),
  number('--train-fraction <share>', 'share of all pairs to train on, in (0, 1)', 'trainFraction'),
  number('--train-rows <integer>', 'number of pairs to train on, instead of a share'),
  choice(
    '--split <method>',
    "how training rows are drawn; with-replacement is write-up 2's, and leaks",
    SPLIT_METHODS,
    'split',
  ),
  number(
    '--split-seed <integer>',
    'fixes the split and the outliers apart from the rest (default: the seed)',
  ),
  number('--outliers <integer>', 'training labels replaced by wrong ones', 'outliers'),
];

const model = () => [
  number('--d-model <integer>', 'width of the model, a multiple of the heads', 'dModel'),
  number('--d-ff <integer>', 'hidden units of the MLP (default: four times the width)'),
  number('--heads <integer>', 'attention heads', 'heads'),
  number('--layers <integer>', 'transformer blocks', 'layers'),
  choice('--init <name>', 'for the gpt: N(0,1)/√dModel (paper), or N(0,1) (unit)', ['paper', 'unit'], 'init'),
  choice(
    '--mask <kind>',
    "for the decoder: who sees whom; additive is write-up 1's, and hides nothing",
    MASK_MODES,
    'mask',
    'decoder',
  ),
  choice(
    '--positions <kind>',
    'for the decoder: how it knows positions',
    POSITION_KINDS,
    'positions',
    'decoder',
  ),
  number('--dropout <share>', 'activations dropped in training, for decoder and power', 'dropout'),
  new Option('--dropout-in-validation', 'dropout stays on where accuracy is measured, as in write-up 1'),
  new Option('--no-dropout-in-validation', 'dropout is off where accuracy is measured'),
  choice(
    '--factored <matrices>',
    'train these matrices as U·diag(σ)·Vᵀ: hidden, or all, with embeddings and head (default: none)',
    FACTORED_MATRICES,
  ),
  choice(
    '--singular-values <rule>',
    'for factored matrices: free, free and without weight decay (undecayed), the largest 1 (unit), or what stays as it began: the largest, their sum, the norm, or all of them (fixed) (default: free)',
    SINGULAR_VALUE_RULES,
  ),
];

const optimizer = () => [
  choice(
    '--optimizer <name>',
    "whose rule updates the parameters; the tg ones divide by single examples' squared gradients",
    Object.keys(OPTIMIZERS),
    'optimizer',
  ),
  number('--lr <number>', 'learning rate', 'learningRate'),
  number('--warmup <integer>', 'updates over which the learning rate rises from 0', 'warmup'),
  new Option(
    '--batch-size <rows>',
    withUsual("training rows in one update: a number, full, or half, the paper's min(512, N/2)", 'batchSize'),
  ).argParser(parseNumber),
  new Option(
    '--betas <pair>',
    withUsual(
      'decay rates of the moments; by default .9,.999 for tgadamw, .9,.99 for tglaprop, 0,.9 for tgrmsprop',
      'betas',
    ),
  ).argParser(parseBetas),
  number(
    '--b3 <number>',
    "for tg: decay rate of the mean of examples' squares (default: the second of betas)",
  ),
  number('--eps <number>', "keeps the moment's root away from 0 (default: 1e-8; 1e-12 for tg)"),
  choice('--eps-mode <mode>', 'for adamw and adam: add eps, or make it the least (default: add)', EPS_MODES),
  choice(
    '--truegrad <form>',
    "for tg: squares of an example's sum over tokens (exact), of each token, or as the package has them, decay too (default: exact)",
    TRUE_GRAD_FORMS,
  ),
  new Option('--graft', 'for tg: updates have the length that the squared gradient gives (default: they do)'),
  new Option('--no-graft', 'for tg: updates have their own length'),
  number('--weight-decay <number>', 'weight decay: decoupled, but for adam, where it is L2', 'weightDecay'),
  choice('--decay-to <target>', 'what weight decay pulls the parameters towards', DECAY_TARGETS, 'decayTo'),
  number('--weight-noise <std>', 'noise on the parameters in training', 'weightNoise'),
  number('--gradient-noise <std>', "noise on the updates' direction", 'gradientNoise'),
];

const run = () => [
  new Option('--preset <name>', 'configuration to start from').choices(Object.keys(PRESETS)).default('gpt'),
  number('--seed <integer>', 'fixes the initial parameters, the split and all that is drawn', 'seed'),
  number('--steps <integer>', 'budget of updates', 'steps'),
  number('--eval-every <integer>', 'steps between two evaluations', 'evalEvery'),
  number('--stop-at-accuracy <share>', 'stop once validation accuracy reaches this'),
  number('--stop-evaluations <integer>', 'evaluations in a row that must reach it', 'stopEvaluations'),
  number('--steps-after-target <integer>', 'updates to go on for once they have (default: 0)'),
  new Option('--device <name>', `where to run: ${DEVICE_REQUESTS.join(', ')}`).default('cpu'),
  number('--threads <integer>', "native threads (default: the machine's, at most 8)"),
  new Option('--out <folder>', 'run folder (default: a new one under output/runs in this folder)'),
  new Option(
    '--resume',
    'go on with the run in the folder, with its options unless given; begin it where there is none',
  ).default(false),
  new Option('--overwrite', 'replace a run that is already in the folder').default(false),
  number('--checkpoint-seconds <number>', 'most seconds of training between two checkpoints (default: 2)'),
  number(
    '--spectrum-every <integer>',
    'record the singular values of all matrices each so many steps, as spectrum.safetensors',
  ),
  number(
    '--spectrum-dense <integer>',
    'and so many steps apart while validation accuracy moves (default: not)',
  ),
  new Option('--json', 'print the summary as one last line of JSON').default(false),
  new Option('--quiet', 'no progress').default(false),
];

/** All options, each under its group's heading. */
export function trainOptions(): Option[] {
  const groups = { Run: run(), Data: data(), Model: model(), Optimiser: optimizer() };
  return Object.entries(groups).flatMap(([heading, options]) =>
    options.map((option) => option.helpGroup(`${heading}:`)),
  );
}
