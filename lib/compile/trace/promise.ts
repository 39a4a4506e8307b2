/** @file Promises where a traced function should have returned tensors. */

/**
 * Whether a function turned out to be asynchronous. Its promise is taken care of: what it still does outside of the trace
 * fails, and unheard that would end a Node process.
 */
export function isPromise(value: unknown): boolean {
  if (typeof (value as PromiseLike<unknown> | undefined)?.then !== 'function') return false;
  Promise.resolve(value).catch(() => undefined);
  return true;
}
