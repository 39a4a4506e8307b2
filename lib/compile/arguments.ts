/** @file What compiled and eager programs alike ask of the arguments of their methods. */
import { CompileError } from './errors';
import type { DeviceState } from './state';

/** @throws CompileError unless `steps` is a positive integer. */
export function checkSteps(steps: number): void {
  if (!Number.isInteger(steps) || steps < 1)
    throw new CompileError(`steps is ${String(steps)}, expected a positive integer`);
}

/** @throws CompileError unless the state is one that `put` made, with as many tensors as the step's. */
export function checkOnDevice(state: DeviceState, method: string, tensors: number): void {
  const given = (state as Partial<DeviceState> | undefined)?.tensors;
  if (!Array.isArray(given)) {
    throw new CompileError(`the state given to ${method} is not on the device; give it program.put(state)`);
  }
  if (given.length !== tensors) {
    throw new CompileError(
      `the state given to ${method} has ${given.length} tensors, expected ${tensors}; give it a state of this program`,
    );
  }
}

/** @throws CompileError unless the step has every metric asked for. */
export function checkMetrics(asked: readonly string[], metrics: readonly string[]): void {
  const unknown = asked.find((name) => !metrics.includes(name));
  if (unknown === undefined) return;
  const offered = metrics.length === 0 ? 'it has none' : `it has '${metrics.join("', '")}'`;
  throw new CompileError(`the step has no metric '${unknown}'; ${offered}`);
}
