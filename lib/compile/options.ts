/** @file How a step is compiled. */
import { checkOptions } from './arguments';
import type { SharedOptions } from './batch';
import type { ProgramCache } from './cache';
import { checkOptionValues } from './compile-arguments';
import { CompileError, shown } from './errors';
import type { Pass } from './passes';
import type { Runtime, RuntimeOptions } from './runtime';
import type { Precision, Target } from './target';

export interface CompileOptions<P extends Precision = Precision> extends RuntimeOptions {
  /** The graph passes to run; all of them by default. */
  readonly passes?: readonly Pass[];
  /**
   * In what floating-point numbers are computed; `'float32'` by default. With `'float64'`, on the CPU only, tensors that
   * the step calls float32 are doubles when it runs: the program takes them as `Float32Array` or `Float64Array` and
   * returns `Float64Array`. What tfjs itself has rounded stays as it is: tensors that the step closes over and numbers
   * written in it, such as `0.1`, are float32 numbers, widened. About twice the time.
   */
  readonly precision?: P;
}

export interface ProgramOptions<P extends Precision = Precision> extends CompileOptions<P>, SharedOptions {
  /**
   * Runs this many instances of the step in one program: seeds, or configurations that the state holds. The step is
   * written for one instance; the example, and every state given to the program, has a leading axis of instances on each
   * leaf that is not `shared`, as `stack` makes it, and every metric is `[steps, batch, …]`. A positive integer; absent:
   * one instance, without that axis.
   */
  readonly batch?: number;
  /** Where compiled models are kept for the next time the same step is compiled: `memoryCache()`, `fileCache(folder)`. */
  readonly cache?: ProgramCache;
}

/** Names of the options, each of which the type must have. */
const namesOf = <O>(names: Readonly<Record<keyof O, true>>): readonly string[] => Object.keys(names);

const RUNTIME = { threads: true, spinning: true } as const;
const COMPILE = { passes: true, precision: true, ...RUNTIME } as const;
const PROGRAM = { ...COMPILE, batch: true, shared: true, cache: true } as const;

/** Options of `compileFunction`. */
export const COMPILE_OPTIONS = namesOf<CompileOptions>(COMPILE);
/** Options of `Program.compile`. */
export const PROGRAM_OPTIONS = namesOf<ProgramOptions>(PROGRAM);

/** @throws CompileError for an option that a program does not have. */
export function checkProgramOptions(options: ProgramOptions): void {
  checkOptions('compile', options, PROGRAM_OPTIONS);
}

/** @throws CompileError where an option has a value that it cannot have, or the device cannot compute in that precision. */
export function targetOf({ device }: Runtime, options: CompileOptions): Target {
  checkOptionValues(options);
  const { precision = 'float32' } = options;
  if (precision !== 'float32' && precision !== 'float64')
    throw new CompileError(`precision is ${shown(precision)}, expected 'float32' or 'float64'`);
  if (precision === 'float64' && device !== 'cpu')
    throw new CompileError(`precision 'float64' runs on the CPU only; the device is '${device}'`);
  return { precision, device };
}
