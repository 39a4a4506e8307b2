/** @file What compiling asks of its arguments, which plain JavaScript may mix up, and of the values of its options. */
import { CompileError, shown } from './errors';

const MOST_THREADS = 1024;

/** @throws CompileError unless `step` is a function. */
export function checkStep(step: unknown): void {
  if (typeof step === 'function') return;
  const hint = isRuntime(step) ? '; with a runtime call Program.compile(runtime, step, example)' : '';
  throw new CompileError(`compile is given ${shown(step)} as its step, expected a function${hint}`);
}

/** @throws CompileError unless `runtime` is one. */
export function checkRuntime(runtime: unknown): void {
  if (isRuntime(runtime)) return;
  throw new CompileError(
    `Program.compile is given ${shown(runtime)} as its runtime, expected one such as onnxRuntimeNode; without a runtime call compile(step, example)`,
  );
}

const isRuntime = (value: unknown) =>
  typeof (value as { readonly open?: unknown } | null | undefined)?.open === 'function';

/** @throws CompileError for an option whose value no device takes. */
export function checkOptionValues({
  threads,
  passes,
  cache,
}: {
  readonly threads?: unknown;
  readonly passes?: unknown;
  readonly cache?: unknown;
}): void {
  if (
    threads !== undefined &&
    !(Number.isInteger(threads) && Number(threads) >= 1 && Number(threads) <= MOST_THREADS)
  )
    throw new CompileError(`threads is ${shown(threads)}, expected an integer from 1 to ${MOST_THREADS}`);
  if (
    passes !== undefined &&
    !(Array.isArray(passes) && passes.every((pass) => typeof pass?.run === 'function'))
  )
    throw new CompileError(
      `passes is ${shown(passes)}, expected a list of passes, such as PASSES or EXACT_PASSES`,
    );
  const { get, set } = (cache ?? {}) as { readonly get?: unknown; readonly set?: unknown };
  if (cache !== undefined && (typeof get !== 'function' || typeof set !== 'function'))
    throw new CompileError(
      `cache is ${shown(cache)}, expected a cache, such as memoryCache() or fileCache(folder)`,
    );
}
