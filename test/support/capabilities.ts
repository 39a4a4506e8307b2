/**
 * @file Which kernels an eager backend of tfjs cannot run, by the committed table. A test that needs one skips on the word
 * of this table and for no other reason.
 */
import { missing } from './capabilities.json';

/** Those of these kernels that the backend lacks. */
export function lacking(backend: keyof typeof missing, kernels: Iterable<string>): string[] {
  const absent = new Set<string>(missing[backend]);
  return [...kernels].filter((kernel) => absent.has(kernel));
}
