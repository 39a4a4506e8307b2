/** @file `grok train`. */
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { getOperation } from '../data/operations';
import { ArgumentError } from '../errors';
import type { FactoredMatrices, MaskMode, PositionKind, SingularValueRule } from '../models/config';
import type { TrueGradForm } from '../models/true-grad/form';
import type { EpsMode, OptimizerName } from '../optim';
import type { BatchSize, RunConfig, RunOptions } from '../train/config';
import { savedOptions } from '../train/find-run.node';
import { formatLoss, formatPercent, formatSeconds } from '../train/number-format';
import { PRESETS, type PresetName } from '../train/presets';
import { terminalProgress } from '../train/progress-terminal.node';
import { type FinishedRun, requireFinite } from '../train/run';
import { train } from '../train/train.node';
import { EXIT, type ExitCode, type Streams } from './exit';
import { trainOptions } from './train-options';

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
  readonly stepsAfterTarget?: number;
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
  readonly b3?: number;
  readonly eps?: number;
  readonly epsMode?: EpsMode;
  readonly truegrad?: TrueGradForm;
  readonly graft?: boolean;
  readonly dModel?: number;
  readonly dFf?: number;
  readonly heads?: number;
  readonly layers?: number;
  readonly init?: RunConfig['init'];
  readonly factored?: FactoredMatrices;
  readonly singularValues?: SingularValueRule;
  readonly device: string;
  readonly threads?: number;
  readonly out?: string;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly checkpointSeconds?: number;
  readonly spectrumEvery?: number;
  readonly spectrumDense?: number;
  readonly json: boolean;
  readonly quiet: boolean;
}

const FOOTER = `
"(gpt: x)" is the value in the preset gpt, which is the default. \`grok presets\`
says how the others differ, \`grok presets NAME\` prints all values of one.`;

export function addTrainCommand(program: Command, streams: Streams, done: (code: ExitCode) => void): void {
  const command = program
    .command('train')
    .description(
      'train a model and leave a run folder: config.json, metrics.csv, checkpoint.safetensors, summary.json',
    );
  for (const option of trainOptions()) command.addOption(option);
  command.addHelpText('after', FOOTER).action(async (options: TrainArguments) => {
    const namesPreset = command.getOptionValueSource('preset') !== 'default';
    done(await runTrain(options, namesPreset, streams));
  });
}

async function runTrain(options: TrainArguments, namesPreset: boolean, streams: Streams): Promise<ExitCode> {
  const { checkpointSeconds, resume, spectrumEvery, spectrumDense } = options;
  if (resume && options.out === undefined) {
    throw new ArgumentError('--resume needs the folder of the run; add --out and its name');
  }
  const given = runOptions(options);
  const out = resolve(streams.directory, folderOf(options.out) ?? defaultFolder(given));
  const saved = resume && !namesPreset ? savedOptions(out) : undefined;
  const config = saved === undefined ? given : continued(saved, given);
  const finished = await train(config, {
    device: options.device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    out,
    resume,
    overwrite: options.overwrite,
    notify: (line) => streams.err(`grok: ${line}\n`),
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    ...(spectrumEvery === undefined ? {} : { spectrumEvery }),
    ...(spectrumDense === undefined ? {} : { spectrumDense }),
    ...(options.quiet ? {} : { display: terminalProgress() }),
  });
  if (options.json) streams.out(`${JSON.stringify(finished.summary)}\n`);
  else if (!options.quiet) streams.out(report(finished, relative(streams.directory, out) || '.'));
  requireFinite(finished);
  return finished.summary.stoppedBy === 'signal' ? EXIT.interrupted : EXIT.done;
}

/** A saved run's options with those given over them; a share of rows and a number of rows stand in for one another. */
function continued(saved: RunConfig, given: RunOptions): RunOptions {
  const { trainFraction, trainRows, ...others } = saved;
  const rows = { trainFraction, trainRows };
  const givesRows = given.trainFraction !== undefined || given.trainRows !== undefined;
  return { ...others, ...(givesRows ? {} : rows), ...given, preset: saved.preset } as RunOptions;
}

function runOptions(options: TrainArguments): RunOptions {
  const { p, lr, dFf, b3, truegrad } = options;
  const {
    checkpointSeconds,
    spectrumEvery,
    spectrumDense,
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
    b3: _b3,
    truegrad: _truegrad,
    ...same
  } = options;
  return {
    ...same,
    ...(p === undefined ? {} : { modulus: p }),
    ...(lr === undefined ? {} : { learningRate: lr }),
    ...(dFf === undefined ? {} : { dFF: dFf }),
    ...(b3 === undefined ? {} : { beta3: b3 }),
    ...(truegrad === undefined ? {} : { trueGrad: truegrad }),
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
    `${summary.steps.toLocaleString('en')} steps in ${formatSeconds(summary.seconds)}, evaluations included${summary.msPerStep === null ? '' : `; ${summary.msPerStep.toPrecision(3)} ms a training step alone`}; run folder ${folder}`,
    '',
  ].join('\n');
}
