/** @file What compiled and eager programs alike ask of the arguments of their methods. */
import { CompileError, shown } from './errors';
import { describe } from './graph';
import type { Spec } from './kernels/rule';
import type { DeviceState } from './state';

/** @throws CompileError unless `steps` is a positive integer. */
export function checkSteps(steps: number): void {
  if (!Number.isInteger(steps) || steps < 1)
    throw new CompileError(`steps is ${shown(steps)}, expected a positive integer`);
}

/** What `run` is given besides the state. @throws CompileError unless it says how many steps. */
export function stepsOf(options: { readonly steps: number }): number {
  if (typeof options !== 'object' || options === null) {
    throw new CompileError(
      `the options of run are ${shown(options)}, expected the number of steps, such as run(state, { steps: 100 })`,
    );
  }
  checkSteps(options.steps);
  return options.steps;
}

/**
 * Checks the options of `what`, so that a misspelt one is not ignored.
 * @throws CompileError unless they are a record whose names are all known.
 */
export function checkOptions(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new CompileError(
      `the options of ${what} are ${shown(options)}, expected a record of ${known.join(', ')}`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new CompileError(`${what} has no option '${unknown}'; it has ${known.join(', ')}`);
}

/** A state's leaves as one text each, which tells the states of different programs apart. */
export function stateForm(leaves: readonly (readonly [path: string, form: Spec])[]): readonly string[] {
  return leaves.map(([path, { dtype, shape }]) => `'${path}' ${describe({ dtype, shape })}`);
}

/** @throws CompileError unless the state is one that `put` made for a program of the same state. */
export function checkOnDevice(state: DeviceState, method: string, form: readonly string[]): void {
  const given = (state as Partial<DeviceState> | undefined)?.tensors;
  if (!Array.isArray(given)) {
    throw new CompileError(`the state given to ${method} is not on the device; give it program.put(state)`);
  }
  if (given.length !== form.length) {
    throw new CompileError(
      `the state given to ${method} has ${given.length} tensors, expected ${form.length}; give it a state of this program`,
    );
  }
  if (state.form === form) return;
  const other = form.findIndex((leaf, i) => leaf !== state.form[i]);
  if (other >= 0) {
    throw new CompileError(
      `the state given to ${method} has ${state.form[other]}, expected ${form[other]}; give it a state of this program`,
    );
  }
}

/** @throws CompileError where a program or function is used after its release. */
export function checkNotReleased(released: boolean, what: string): void {
  if (released) throw new CompileError(`the ${what} was released and cannot run; compile or load it again`);
}

/** @throws CompileError unless the step has every metric asked for. */
export function checkMetrics(asked: readonly string[], metrics: readonly string[]): void {
  const unknown = asked.find((name) => !metrics.includes(name));
  if (unknown === undefined) return;
  const offered = metrics.length === 0 ? 'it has none' : `it has '${metrics.join("', '")}'`;
  throw new CompileError(`the step has no metric '${unknown}'; ${offered}`);
}
