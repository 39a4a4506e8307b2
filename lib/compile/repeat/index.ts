/** @file Which way of repeating a step a runtime takes. */
import type { Runtime } from '../runtime';
import { loop } from './loop';
import type { RepetitionMethod } from './repetition';

export type { Outputs, Repetition, RepetitionMethod } from './repetition';

export function repetitionMethod(_runtime: Runtime): RepetitionMethod {
  return loop;
}
