/** @file `grok predict`: logits of a checkpoint for rows of tokens. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import Papa from 'papaparse';
import { onnxRuntimeNode } from '../compile/runtime.node';
import { ArgumentError, FileError } from '../errors';
import { predictGpt } from '../models/predict';
import { loadGpt } from '../train/checkpoint';
import { runEnvironment } from '../train/environment.node';
import { readWholeFile, writeFileAtomic } from '../train/files.node';
import { shortestFloat32 } from '../train/metrics-csv';
import { readCheckpoint } from '../train/run-store.node';
import { EXIT, type ExitCode, type Streams } from './exit';
import { parseNumber } from './parse';

interface PredictArguments {
  readonly tokens: string;
  readonly out?: string;
  readonly model?: 'gpt';
  readonly heads?: number;
  readonly threads?: number;
}

export function addPredictCommand(program: Command, streams: Streams, done: (code: ExitCode) => void): void {
  program
    .command('predict')
    .description('print the logits of a checkpoint for rows of tokens')
    .argument(
      '<checkpoint>',
      'safetensors file, of ours or with the parameters of the same model made elsewhere',
    )
    .requiredOption('--tokens <file>', 'CSV without header, the tokens of one sequence a line')
    .option('--out <file>', "CSV to write, the last position's logits a line (default: standard output)")
    .addOption(
      new Option('--model <name>', 'for a file without our metadata: what it holds').choices(['gpt']),
    )
    .option('--heads <integer>', 'for a file without our metadata: attention heads', (text) =>
      parseNumber('heads', text),
    )
    .option('--threads <integer>', 'native threads', (text) => parseNumber('threads', text))
    .action(async (checkpoint: string, options: PredictArguments) => {
      done(await runPredict(checkpoint, options, streams));
    });
}

async function runPredict(
  checkpoint: string,
  options: PredictArguments,
  streams: Streams,
): Promise<ExitCode> {
  const path = (file: string) => resolve(streams.directory, file);
  const { threads } = runEnvironment(options.threads === undefined ? {} : { threads: options.threads });
  const { model, params } = loadGpt(
    readCheckpoint(path(checkpoint)),
    checkpoint,
    options.heads === undefined ? {} : { heads: options.heads },
  );
  const text = new TextDecoder().decode(readWholeFile(path(options.tokens)));
  const tokens = parseTokens(text, options.tokens, model.sequenceLength, model.vocabulary);
  const logits = await predictGpt(model, params, tokens, onnxRuntimeNode, { threads });
  const csv = formatLogits(logits.data as Float32Array, model.classes);
  if (options.out === undefined) streams.out(csv);
  else writeFileAtomic(path(options.out), csv);
  return EXIT.done;
}

/**
 * Reads rows of tokens.
 * @throws FileError, ArgumentError naming the line of a row that is not `width` integers from 0 to `vocabulary - 1`.
 */
export function parseTokens(text: string, source: string, width: number, vocabulary: number): Int32Array {
  const lines = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/);
  if (text.trim() === '') throw new FileError(`${source} holds no rows, expected ${width} tokens a line`);
  return Int32Array.from(
    lines.flatMap((line, index) => {
      const cells = Papa.parse<string[]>(line, { delimiter: ',' }).data[0] ?? [];
      if (cells.length !== width) {
        throw new ArgumentError(
          `${source} line ${index + 1} has ${line.trim() === '' ? 0 : cells.length} tokens, expected ${width} separated by commas`,
        );
      }
      return cells.map((cell) => {
        const token = /^\s*\d+\s*$/.test(cell) ? Number(cell) : Number.NaN;
        if (!(token < vocabulary)) {
          throw new ArgumentError(
            `${source} line ${index + 1}: token '${cell}' is out of range, expected an integer from 0 to ${vocabulary - 1}`,
          );
        }
        return token;
      });
    }),
  );
}

function formatLogits(logits: Float32Array, classes: number): string {
  const lines: string[] = [];
  for (let row = 0; row < logits.length; row += classes) {
    lines.push(Array.from(logits.subarray(row, row + classes), shortestFloat32).join(','));
  }
  return `${lines.join('\n')}\n`;
}
