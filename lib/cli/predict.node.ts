/** @file `grok predict`: logits of a checkpoint for rows of tokens, or the answers they give. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import Papa from 'papaparse';
import type { HostTensor, HostTree } from '../compile';
import { onnxRuntimeNode } from '../compile/runtime.node';
import { ArgumentError, FileError } from '../errors';
import { readWholeFile, writeFileAtomic } from '../files.node';
import { MASK_MODES, type MaskMode, type ModelName } from '../models/config';
import { predict } from '../models/predict';
import { MODEL_NAMES } from '../models/registry';
import { checkInteger } from '../train/check-config';
import { loadModel } from '../train/checkpoint';
import { runEnvironment } from '../train/environment.node';
import { shortestFloat32 } from '../train/metrics-csv';
import { RUN_FILES } from '../train/run-files.node';
import { readCheckpoint } from '../train/run-store.node';
import { namedHostTensors } from '../train/state';
import { EXIT, type ExitCode, type Streams } from './exit';
import { parseNumber } from './parse';

interface PredictArguments {
  readonly tokens: string;
  readonly out?: string;
  readonly model?: ModelName;
  readonly heads?: number;
  readonly mask?: MaskMode;
  readonly threads?: number;
  readonly answers: boolean;
}

const FOOTER = `
The logits of a row agree to rounding, not always to the last digit, between files
of different numbers of rows. A checkpoint from elsewhere, without our metadata,
counts as having one answer.`;

export function addPredictCommand(program: Command, streams: Streams, done: (code: ExitCode) => void): void {
  program
    .command('predict')
    .description('print the logits of a checkpoint for rows of tokens, or the answers')
    .argument(
      '<checkpoint>',
      'run folder, or safetensors file: of ours, or with the parameters of the same model made elsewhere',
    )
    .requiredOption('--tokens <file>', 'CSV without header, the tokens of one sequence a line')
    .option(
      '--out <file>',
      "CSV to write, a row's logits a line: one a class, or two where our metadata says two answers, the first answer's first (default: standard output)",
    )
    .addOption(
      new Option(
        '--model <name>',
        'for a file without our metadata: what it holds, if its tensors do not tell',
      ).choices([...MODEL_NAMES]),
    )
    .option('--heads <integer>', 'for a file without our metadata: attention heads', parseNumber)
    .addOption(
      new Option(
        '--mask <mode>',
        "for a decoder without our metadata: who sees whom; additive for write-up 1's class in PyTorch",
      ).choices([...MASK_MODES]),
    )
    .option(
      '--answers',
      "print a row's predicted class instead of its logits, or both where it has two answers",
      false,
    )
    .option('--threads <integer>', 'native threads', parseNumber)
    .addHelpText('after', FOOTER)
    .action(async (checkpoint: string, options: PredictArguments) => {
      done(await runPredict(checkpoint, options, streams));
    });
}

async function runPredict(
  checkpoint: string,
  options: PredictArguments,
  streams: Streams,
): Promise<ExitCode> {
  const { model: name, heads, mask } = options;
  const path = (file: string) => resolve(streams.directory, file);
  const { threads } = runEnvironment(options.threads === undefined ? {} : { threads: options.threads });
  if (heads !== undefined) checkInteger('heads', heads, 1);
  if (options.out !== undefined) checkFolder(path(options.out), options.out);
  const lines = readRows(path(options.tokens), options.tokens);
  const source = isFolder(path(checkpoint)) ? join(checkpoint, RUN_FILES.checkpoint) : checkpoint;
  const { model, params } = loadModel(readCheckpoint(path(source)), source, {
    ...(name === undefined ? {} : { model: name }),
    ...(heads === undefined ? {} : { heads }),
    ...(mask === undefined ? {} : { mask }),
    sequenceLength: cellsOf(lines[0] as string).length,
  });
  const { sequenceLength, vocabulary, classes } = model.config;
  const tokens = parseTokens(lines, options.tokens, sequenceLength, vocabulary);
  const logits = await predict(model, params, tokens, onnxRuntimeNode, { threads });
  checkFinite(logits, params, { tokens: options.tokens, checkpoint: source });
  const values = logits.data as Float32Array;
  const csv = options.answers
    ? formatRows(answersOf(values, classes), (logits.shape[1] as number) / classes)
    : formatRows(Array.from(values, shortestFloat32), logits.shape[1] as number);
  if (options.out === undefined) streams.out(csv);
  else writeFileAtomic(path(options.out), csv);
  return EXIT.done;
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Looked at first, so that nothing is computed for it in vain. @throws FileError where a file's folder does not exist. */
function checkFolder(path: string, source: string): void {
  if (existsSync(dirname(path))) return;
  throw new FileError(
    `cannot write ${source}: the folder ${dirname(path)} does not exist; make it, or choose another`,
  );
}

/** @throws FileError for a file that cannot be read; ArgumentError where it has no rows, or the first line is a header. */
function readRows(path: string, source: string): string[] {
  const text = new TextDecoder().decode(readWholeFile(path));
  if (text.trim() === '')
    throw new ArgumentError(`${source} holds no rows, expected the tokens of one a line`);
  const lines = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/);
  if (isHeader(cellsOf(lines[0] as string))) {
    throw new ArgumentError(`${source} line 1 is not numbers; the file must have no header`);
  }
  return lines;
}

/** Words alone, as a table's first line often is; a line that has a number too is a row with a mistake. */
function isHeader(cells: readonly string[]): boolean {
  return /^\s*\p{L}/u.test(cells[0] ?? '') && cells.every((cell) => Number.isNaN(Number(cell)));
}

function cellsOf(line: string): string[] {
  return Papa.parse<string[]>(line, { delimiter: ',' }).data[0] ?? [];
}

/**
 * Reads rows of tokens.
 * @throws ArgumentError naming the line of a row that is not `width` integers from 0 to `vocabulary - 1`.
 */
function parseTokens(
  lines: readonly string[],
  source: string,
  width: number,
  vocabulary: number,
): Int32Array {
  return Int32Array.from(
    lines.flatMap((line, index) => {
      const cells = cellsOf(line);
      if (cells.length !== width) {
        throw new ArgumentError(
          `${source} line ${index + 1} has ${line.trim() === '' ? 0 : cells.length} tokens, expected ${width} separated by commas`,
        );
      }
      return cells.map((cell) => {
        const token = Number(cell);
        if (/^\s*\d+\s*$/.test(cell) && token < vocabulary) return token;
        const problem = /^\s*-?\d+\s*$/.test(cell) ? 'is out of range' : 'is no whole number in digits';
        throw new ArgumentError(
          `${source} line ${index + 1}: token '${cell}' ${problem}, expected an integer from 0 to ${vocabulary - 1}`,
        );
      });
    }),
  );
}

/**
 * Refuses logits that answer nothing, and what is to blame for them.
 * @param source the names of the files, for the message
 * @throws FileError naming the first row that has a logit which is not finite
 */
function checkFinite(
  { data, shape }: HostTensor,
  params: HostTree,
  source: { readonly tokens: string; readonly checkpoint: string },
): void {
  const at = firstNotFinite(data);
  if (at < 0) return;
  const bad = namedHostTensors(params).find(([, tensor]) => firstNotFinite(tensor.data) >= 0);
  const cause =
    bad === undefined
      ? `the weights in ${source.checkpoint} are finite, but too large to compute with`
      : `'${bad[0]}' in ${source.checkpoint} has ${bad[1].data[firstNotFinite(bad[1].data)]} among its weights`;
  const line = Math.floor(at / (shape[1] as number)) + 1;
  throw new FileError(
    `the model gives ${data[at]} as a logit of ${source.tokens} line ${line}: ${cause}; give a checkpoint of finite weights`,
  );
}

const firstNotFinite = (data: HostTensor['data']) => data.findIndex((value) => !Number.isFinite(value));

/** The class with the largest of every `classes` logits; the first of equal ones. */
function answersOf(logits: Float32Array, classes: number): string[] {
  const answers: string[] = [];
  for (let first = 0; first < logits.length; first += classes) {
    const own = logits.subarray(first, first + classes);
    answers.push(String(own.reduce((best, logit, i) => (logit > (own[best] as number) ? i : best), 0)));
  }
  return answers;
}

/** A line for every `width` numbers. */
function formatRows(numbers: readonly string[], width: number): string {
  const lines: string[] = [];
  for (let row = 0; row < numbers.length; row += width) {
    lines.push(numbers.slice(row, row + width).join(','));
  }
  return `${lines.join('\n')}\n`;
}
