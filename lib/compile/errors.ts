/** @file What can go wrong between a traced step and a running program. */

/**
 * A step that cannot be compiled or run: an operation without a lowering, a traced value that is read, shapes that do
 * not fit. The message is one line that names the operation or value.
 */
export class CompileError extends Error {
  override name = 'CompileError';
}
