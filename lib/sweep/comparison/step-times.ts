/**
 * @file How long a step of each arm takes: measured apart from the comparison, all arms in turn on a quiet machine, since the
 * runs themselves share theirs with whatever else it does. Lies beside the protocol as `step-times.json`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../errors';
import { readWholeFile } from '../../files.node';

/** What was measured, if it was. */
export interface StepTimes {
  /** How and on what, in one sentence; `null` before it is measured. */
  readonly measured: string | null;
  /** By arm, milliseconds of one step without evaluations; `null` before it is measured. */
  readonly msPerStep: Readonly<Record<string, number | null>>;
}

const SCHEMA = z.strictObject({
  measured: z.string().nullable(),
  msPerStep: z.record(z.string(), z.number().positive().nullable()),
});

/** Reads the times beside a protocol; none without the file. @throws {FileError} if the file is not one of times */
export function readStepTimes(folder: string): StepTimes {
  const file = join(folder, 'step-times.json');
  if (!existsSync(file)) return { measured: null, msPerStep: {} };
  const fail = (problem: string) =>
    new FileError(`${file}: ${problem}; expected measured and, by arm, msPerStep.`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(readWholeFile(file)));
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw fail('no JSON');
  }
  const parsed = SCHEMA.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw fail(`${issue?.path.join('.')} is wrong, ${issue?.message.replaceAll(/\s+/g, ' ')}`);
}
