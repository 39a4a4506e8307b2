/** @file Which way of repeating a step a runtime takes. */
import type { Runtime } from '../runtime';
import { loop } from './loop';
import type { RepetitionMethod } from './repetition';
import { stepwise } from './stepwise';

export type { Repetition, RepetitionMethod } from './repetition';

/** Many steps in one call of the session where the runtime can. */
export function repetitionMethod(runtime: Runtime): RepetitionMethod {
  return runtime.nativeLoop ? loop : stepwise;
}
