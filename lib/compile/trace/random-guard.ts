/**
 * @file Refuses tfjs's random tensors inside a trace. tfjs draws their numbers in JavaScript and hands them over as data,
 * so that a compiled step would repeat one draw for ever.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from '../errors';
import { describe } from '../graph';
import { callSite } from './call-site';

/** tfjs's functions that draw numbers; its other random functions call one of these. */
const RANDOM: ReadonlySet<string> = new Set([
  'rand',
  'randomGamma',
  'randomNormal',
  'randomStandardNormal',
  'randomUniform',
  'randomUniformInt',
  'truncatedNormal',
  'dropout',
]);

/** What tfjs adds to a function's name where it opens a scope for the call. */
const SCOPE_SUFFIX = '__op';

/**
 * Called where data become a tensor.
 * @throws CompileError inside a call of one of tfjs's random functions: each opens a scope under its name.
 */
export function refuseRandom(dtype: string, shape: readonly number[]): void {
  const scope = tf
    .engine()
    .state.scopeStack.find(
      ({ name }) => name.endsWith(SCOPE_SUFFIX) && RANDOM.has(name.slice(0, -SCOPE_SUFFIX.length)),
    );
  if (scope === undefined) return;
  throw new CompileError(
    `the operation '${scope.name.slice(0, -SCOPE_SUFFIX.length)}' (${describe({ dtype, shape })}) cannot be compiled: its numbers would be drawn once and frozen into the program; use randomNormal, randomUniform or dropout of this package, which draw anew at every step, or draw before compiling`,
    { source: callSite() },
  );
}
