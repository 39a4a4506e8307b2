/** @file `grok train`. */
import { join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { DEVICE_REQUESTS } from '../compile/devices';
import { getOperation, operationNames } from '../data/operations';
import { SPLIT_METHODS } from '../data/split';
import { TOKEN_FORMS } from '../data/token-forms';
import { ArgumentError } from '../errors';
import { MASK_MODES, type MaskMode, POSITION_KINDS, type PositionKind } from '../models/config';
import { DECAY_TARGETS, OPTIMIZERS, type OptimizerName } from '../optim';
import type { BatchSize, RunConfig, RunOptions } from '../train/config';
import { formatLoss, formatPercent, formatSeconds } from '../train/number-format';
import { PRESETS, type PresetName } from '../train/presets';
import { terminalProgress } from '../train/progress-terminal.node';
import { type FinishedRun, requireFinite } from '../train/run';
import { train } from '../train/train.node';
import { EXIT, type ExitCode, type Streams } from './exit';
import { parseBatchSize, parseBetas, parseNumber } from './parse';

/** The options as commander hands them over. */
interface TrainArguments {
  readonly preset: PresetName;
  readonly operation?: RunConfig['operation'];
  readonly p?: number;
  readonly trainFraction?: number;
  readonly trainRows?: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly stopAtAccuracy?: number;
  readonly stopEvaluations?: number;
  readonly evalEvery?: number;
  readonly tokens?: RunConfig['tokens'];
  readonly split?: RunConfig['split'];
  readonly splitSeed?: number;
  readonly outliers?: number;
  readonly batchSize?: BatchSize;
  readonly optimizer?: OptimizerName;
  readonly lr?: number;
  readonly warmup?: number;
  readonly decayTo?: RunConfig['decayTo'];
  readonly weightNoise?: number;
  readonly gradientNoise?: number;
  readonly dropout?: number;
  readonly dropoutInValidation?: boolean;
  readonly mask?: MaskMode;
  readonly positions?: PositionKind;
  readonly weightDecay?: number;
  readonly betas?: readonly [number, number];
  readonly dModel?: number;
  readonly dFf?: number;
  readonly heads?: number;
  readonly layers?: number;
  readonly init?: RunConfig['init'];
  readonly device: string;
  readonly threads?: number;
  readonly out?: string;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly checkpointSeconds?: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Options that are numbers: flag, description, and the member of the preset that is their default. */
const NUMBERS: readonly (readonly [flags: string, description: string, preset?: keyof typeof PRESETS.gpt])[] =
  [
    ['--p <integer>', 'the p of "mod p", at least 2', 'modulus'],
    ['--train-fraction <share>', 'share of all pairs to train on, in (0, 1)', 'trainFraction'],
    ['--train-rows <integer>', 'number of pairs to train on, instead of a share'],
    ['--outliers <integer>', 'training labels replaced by wrong ones', 'outliers'],
    ['--seed <integer>', 'fixes the initial parameters, the split and all that is drawn', 'seed'],
    ['--split-seed <integer>', 'fixes the split and the outliers apart from the rest (default: the seed)'],
    ['--steps <integer>', 'budget of updates', 'steps'],
    ['--stop-at-accuracy <share>', 'stop once validation accuracy reaches this'],
    ['--stop-evaluations <integer>', 'evaluations in a row that must reach it', 'stopEvaluations'],
    ['--eval-every <integer>', 'steps between two evaluations', 'evalEvery'],
    ['--lr <number>', 'learning rate', 'learningRate'],
    ['--warmup <integer>', 'updates over which the learning rate rises from 0', 'warmup'],
    ['--weight-decay <number>', 'weight decay: decoupled for adamw, L2 for adam', 'weightDecay'],
    ['--weight-noise <std>', 'noise on the parameters in training', 'weightNoise'],
    ['--gradient-noise <std>', "noise on the updates' direction", 'gradientNoise'],
    ['--dropout <share>', 'activations dropped in training, for decoder and power', 'dropout'],
    ['--d-model <integer>', 'width of the model, a multiple of the heads', 'dModel'],
    ['--d-ff <integer>', 'hidden units of the MLP (default: four times the width)'],
    ['--heads <integer>', 'attention heads', 'heads'],
    ['--layers <integer>', 'transformer blocks', 'layers'],
    ['--checkpoint-seconds <number>', 'most seconds of training between two checkpoints (default: 2)'],
    ['--threads <integer>', "native threads (default: the machine's, at most 8)"],
  ];

/** Options with a list of values. */
const CHOICES: readonly (readonly [flags: string, description: string, choices: readonly string[]])[] = [
  ['--tokens <form>', 'how a pair is written as tokens (gpt: equals)', TOKEN_FORMS],
  [
    '--split <method>',
    "how training rows are drawn; with-replacement is write-up 2's, and leaks (gpt: exact)",
    SPLIT_METHODS,
  ],
  ['--decay-to <target>', 'what weight decay pulls the parameters towards (gpt: zero)', DECAY_TARGETS],
  [
    '--mask <kind>',
    "for the decoder: who sees whom; additive is write-up 1's, and hides nothing",
    MASK_MODES,
  ],
  ['--positions <kind>', 'for the decoder: how it knows positions', POSITION_KINDS],
  ['--init <name>', 'for the gpt: N(0,1)/√dModel (paper), or N(0,1) (gpt: paper)', ['paper', 'unit']],
];

export function addTrainCommand(program: Command, streams: Streams, done: (code: ExitCode) => void): void {
  const command = program
    .command('train')
    .description(
      'train a model and leave a run folder: config.json, metrics.csv, checkpoint.safetensors, summary.json',
    )
    .addOption(
      new Option('--preset <name>', 'configuration to start from')
        .choices(Object.keys(PRESETS))
        .default('gpt'),
    )
    .addOption(new Option('--operation <name>', `what to learn (gpt: add)`).choices(operationNames()));
  for (const [flags, description, preset] of NUMBERS) {
    const name = flags.slice(2, flags.indexOf(' '));
    const usual = preset === undefined ? '' : ` (gpt: ${PRESETS.gpt[preset]})`;
    command.option(flags, description + usual, (text: string) => parseNumber(name, text));
  }
  for (const [flags, description, choices] of CHOICES) {
    command.addOption(new Option(flags, description).choices([...choices]));
  }
  command
    .option(
      '--batch-size <rows>',
      "training rows in one update: a number, full, or half, the paper's min(512, N/2) (gpt: full)",
      parseBatchSize,
    )
    .option('--dropout-in-validation', 'dropout stays on where accuracy is measured, as in write-up 1')
    .option('--no-dropout-in-validation', 'dropout is off where accuracy is measured')
    .addOption(
      new Option('--optimizer <name>', `adamw or adam (gpt: ${PRESETS.gpt.optimizer})`).choices(
        Object.keys(OPTIMIZERS),
      ),
    )
    .option('--betas <pair>', `decay rates of the moments (gpt: ${PRESETS.gpt.betas})`, parseBetas)
    .addOption(new Option('--device <name>', 'where to run').default('cpu'))
    .option('--out <folder>', 'run folder (default: a new one under output/runs in this folder)')
    .option('--resume', 'go on with the run in the folder; begin it where there is none', false)
    .option('--overwrite', 'replace a run that is already in the folder', false)
    .option('--json', 'print the summary as one last line of JSON', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', `\nDevices: ${DEVICE_REQUESTS.join(', ')}. Defaults are those of the preset.`)
    .action(async (options: TrainArguments) => {
      done(await runTrain(options, streams));
    });
}

async function runTrain(options: TrainArguments, streams: Streams): Promise<ExitCode> {
  const config = runOptions(options);
  const { checkpointSeconds, resume } = options;
  if (resume && options.out === undefined) {
    throw new ArgumentError('--resume needs the folder of the run; add --out and its name');
  }
  const out = resolve(streams.directory, folderOf(options.out) ?? defaultFolder(config));
  const finished = await train(config, {
    device: options.device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    out,
    resume,
    overwrite: options.overwrite,
    notify: (line) => streams.err(`grok: ${line}\n`),
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    ...(options.quiet ? {} : { display: terminalProgress() }),
  });
  if (options.json) streams.out(`${JSON.stringify(finished.summary)}\n`);
  else if (!options.quiet) streams.out(report(finished, relative(streams.directory, out) || '.'));
  requireFinite(finished);
  return finished.summary.stoppedBy === 'signal' ? EXIT.interrupted : EXIT.done;
}

function runOptions(options: TrainArguments): RunOptions {
  const { p, lr, dFf } = options;
  const {
    checkpointSeconds,
    device,
    threads,
    out,
    resume,
    overwrite,
    json,
    quiet,
    p: _p,
    lr: _lr,
    dFf: _dFf,
    ...same
  } = options;
  return {
    ...same,
    ...(p === undefined ? {} : { modulus: p }),
    ...(lr === undefined ? {} : { learningRate: lr }),
    ...(dFf === undefined ? {} : { dFF: dFf }),
  };
}

/** The folder asked for. @throws ArgumentError for an empty name, as an unset variable of a shell gives it. */
function folderOf(out: string | undefined): string | undefined {
  if (out === '')
    throw new ArgumentError("out is '', expected the name of a folder such as output/runs/mine");
  return out;
}

/** A folder of its own for each run, named after when it started and what it is. */
function defaultFolder({
  preset = 'gpt',
  operation = PRESETS[preset].operation,
  modulus = PRESETS[preset].modulus,
  seed = PRESETS[preset].seed,
}: RunOptions): string {
  const what = getOperation(operation).modular ? `p${modulus}` : operation;
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return join('output', 'runs', `${time}-${preset}-${what}-seed${seed}-${process.pid}`);
}

function report({ summary }: FinishedRun, folder: string): string {
  const { trainAccuracy, validationAccuracy, trainLoss, validationLoss } = summary;
  const share = (value: number | null) => (value === null ? '–' : formatPercent(value));
  const loss = (value: number | null) => (value === null ? '–' : formatLoss(value));
  const first = (step: number | null) =>
    step === null ? 'not reached' : `step ${step.toLocaleString('en')}`;
  const { device, deviceReason } = summary;
  return [
    ...(deviceReason === undefined ? [] : [`device      ${device} (${deviceReason})`]),
    `train       accuracy ${share(trainAccuracy)}, loss ${loss(trainLoss)}, 99 % ${first(summary.firstStepTrain99)}`,
    `validation  accuracy ${share(validationAccuracy)}, loss ${loss(validationLoss)}, 99 % ${first(summary.firstStepValidation99)}`,
    `${summary.steps.toLocaleString('en')} steps in ${formatSeconds(summary.seconds)}${summary.msPerStep === null ? '' : `, ${summary.msPerStep.toPrecision(3)} ms a training step`}; run folder ${folder}`,
    '',
  ].join('\n');
}
