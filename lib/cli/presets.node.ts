/** @file `grok presets`: all of them, or all values of one. */
import type { Command } from 'commander';
import { ArgumentError, optionName } from '../errors';
import {
  describePreset,
  PRESET_NAMES,
  type PresetDescription,
  type PresetName,
  presetValues,
} from '../train/presets';
import { EXIT, type ExitCode, type Streams } from './exit';

/** Columns that a terminal is taken to have. */
const COLUMNS = 100;
const INDENT = '    ';

export function addPresetsCommand(program: Command, streams: Streams, done: (code: ExitCode) => void): void {
  program
    .command('presets')
    .description(
      'list the presets of grok train: what each is and how it differs from the one it starts from',
    )
    .argument('[name]', 'print this one with all its values')
    .option('--json', 'print one line of JSON: each preset with its base, its differences and all its values')
    .action((name: string | undefined, { json }: { readonly json?: boolean }) => {
      const presets = (name === undefined ? PRESET_NAMES : [checkedName(name)]).map(describePreset);
      const text = name === undefined ? textOf : completeTextOf;
      streams.out(json === true ? jsonOf(presets) : `${presets.map(text).join('\n')}\n`);
      done(EXIT.done);
    });
}

function jsonOf(presets: readonly PresetDescription[]): string {
  const complete = presets.map((preset) => ({ ...preset, values: presetValues(preset.name) }));
  return `${JSON.stringify(complete)}\n`;
}

/** @throws ArgumentError for a name that no preset has. */
function checkedName(name: string): PresetName {
  const found = PRESET_NAMES.find((known) => known === name);
  if (found === undefined)
    throw new ArgumentError(`preset is '${name}', expected one of ${PRESET_NAMES.join(', ')}`);
  return found;
}

/** A preset with every value on a line of its own. */
function completeTextOf({ name, description }: PresetDescription): string {
  const values = Object.entries(presetValues(name)).map(([key, value]) => [
    optionName(key),
    switchOrValue(value),
  ]);
  const width = Math.max(...values.map(([key = '']) => key.length));
  const lines = values.map(([key = '', value]) => `${INDENT}${key.padEnd(width)}  ${value}`);
  return [name, `${INDENT}${description}`, '', ...lines].join('\n');
}

function textOf({ name, description, base, differences }: PresetDescription): string {
  const values = Object.entries(differences).map(
    ([key, value]) => `${optionName(key)} ${switchOrValue(value)}`,
  );
  const start = base === undefined ? '' : `${base} but `;
  return [name, `${INDENT}${description}`, ...wrapped(start, values)].join('\n');
}

const switchOrValue = (value: unknown) =>
  typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);

/** Words after a start, separated by commas, in lines that fit and break between them only. */
function wrapped(start: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = `${INDENT}${start}`;
  words.forEach((word, i) => {
    const piece = i === words.length - 1 ? word : `${word},`;
    const isFirst = line.endsWith(' ');
    if (!isFirst && line.length + 1 + piece.length > COLUMNS) {
      lines.push(line);
      line = INDENT;
    }
    line += line.endsWith(' ') ? piece : ` ${piece}`;
  });
  return [...lines, line];
}
