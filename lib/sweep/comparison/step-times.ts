/**
 * @file How long a step of each arm takes: measured apart from the comparison, all arms in turn on a quiet machine, since the
 * runs themselves share theirs with whatever else it does. Lies beside the protocol as `step-times.json`, the report that
 * `npm run bench -- --only arms --threads 1 --json FILE` writes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../errors';
import { readWholeFile } from '../../files.node';

/** Over the rounds of a measurement. */
export interface Quartiles {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

/** What was measured, if it was. */
export interface StepTimes {
  /** How, on what and when, in one line; `null` before it is measured. */
  readonly measured: string | null;
  /** By arm, milliseconds of one step without evaluations: the median over the rounds. */
  readonly msPerStep: Readonly<Record<string, number>>;
  /**
   * By arm, the time of its step over that of AdamW's *in the same round*. Its median is not the quotient of the medians above,
   * and better than it: what slows a whole round cancels.
   */
  readonly ratio: Readonly<Record<string, Quartiles>>;
}

const POSITIVE = z.number().positive();

/** What is read of a report of the benchmark. */
const SCHEMA = z.object({
  date: z.string(),
  machine: z.object({ cpu: z.string() }),
  sections: z.tuple([
    z.object({
      id: z.string().startsWith('arms-'),
      subtitle: z.string(),
      baseline: z.literal('adamw'),
      rows: z.array(
        z.object({
          name: z.string(),
          msPerStep: z.object({ median: POSITIVE }),
          ratio: z.object({ q1: POSITIVE, median: POSITIVE, q3: POSITIVE }),
        }),
      ),
    }),
  ]),
});

/** Reads the times beside a protocol; none without the file. @throws {FileError} if the file is not a report of them */
export function readStepTimes(folder: string): StepTimes {
  const file = join(folder, 'step-times.json');
  if (!existsSync(file)) return { measured: null, msPerStep: {}, ratio: {} };
  const fail = (problem: string) =>
    new FileError(
      `${file}: ${problem}; expected the report of \`npm run bench -- --only arms --threads 1 --json FILE\`.`,
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(readWholeFile(file)));
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw fail('no JSON');
  }
  const parsed = SCHEMA.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail(`${issue?.path.join('.')} is wrong, ${issue?.message.replaceAll(/\s+/g, ' ')}`);
  }
  const { date, machine, sections } = parsed.data;
  const [{ subtitle, rows }] = sections;
  return {
    measured: `${subtitle}, ${machine.cpu}, ${date.slice(0, 10)}`,
    msPerStep: Object.fromEntries(rows.map(({ name, msPerStep }) => [name, msPerStep.median])),
    ratio: Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio])),
  };
}
