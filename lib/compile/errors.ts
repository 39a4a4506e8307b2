/** @file What can go wrong between a traced step and a running program. */

export interface CompileErrorOptions {
  readonly cause?: unknown;
  /** The user's line that it is about, `file:line:column`; becomes part of the message. */
  readonly source?: string | undefined;
}

/**
 * A step that cannot be compiled or run: an operation without a lowering, a traced value that is read, shapes that do
 * not fit. The message is one line that names the operation or value, and the user's line where it is known.
 */
export class CompileError extends Error {
  override name = 'CompileError';
  /** The user's line that it is about, `file:line:column`. */
  readonly source?: string;

  constructor(message: string, { cause, source }: CompileErrorOptions = {}) {
    super(
      source === undefined ? message : `${message}; called at ${source}`,
      cause === undefined ? undefined : { cause },
    );
    if (source !== undefined) this.source = source;
  }
}

/** A value as a message shows it: text in quotes, so that '3' is not taken for 3. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Runs `body`; a `CompileError` out of it that names no line of the user's gets this one. */
export function withSource<T>(source: string | undefined, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof CompileError) || error.source !== undefined || source === undefined) throw error;
    throw new CompileError(error.message, { cause: error, source });
  }
}
