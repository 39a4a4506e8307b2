/**
 * @file tfjs's variables during a trace. Read, a variable is a constant. To assign to one would put a tensor without
 * numbers into the caller's variable, and mean nothing to the program, so it is refused before tfjs drops the old value.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from '../errors';
import { describe } from '../graph';
import { callSite } from './call-site';

/** tfjs's optimisers, each of which has its own `applyGradients`. */
const OPTIMIZERS = [
  tf.AdadeltaOptimizer,
  tf.AdagradOptimizer,
  tf.AdamOptimizer,
  tf.AdamaxOptimizer,
  tf.MomentumOptimizer,
  tf.RMSPropOptimizer,
  tf.SGDOptimizer,
] as const;

/** What to do instead. */
const ADVICE = 'put it into the state and return its new value';

function refuseAssignment(this: tf.Variable): never {
  throw new CompileError(`the step assigns to the tf.Variable '${this.name}', ${describe(this)}: ${ADVICE}`, {
    source: callSite(),
  });
}

/** Before the optimiser makes variables of its own, which it would keep. */
function refuseUpdate(gradients: tf.NamedTensorMap | readonly { readonly name: string }[]): never {
  const names = Array.isArray(gradients) ? gradients.map(({ name }) => name) : Object.keys(gradients);
  throw new CompileError(
    `the step has an optimiser of tfjs's assign to the tf.Variable '${names.join("', '")}': ${ADVICE}, for an optimiser with memory that too`,
    { source: callSite() },
  );
}

/**
 * Runs `body`, in which assigning to a variable, also by an optimiser of tfjs's, is an error that names it. Variables that
 * `body` made are taken out of tfjs's register again.
 */
export function withVariablesKept<T>(body: () => T): T {
  const before = new Set(Object.values(tf.engine().registeredVariables));
  const { assign } = tf.Variable.prototype;
  const updates = OPTIMIZERS.map(({ prototype }) => prototype.applyGradients);
  tf.Variable.prototype.assign = refuseAssignment;
  for (const { prototype } of OPTIMIZERS) prototype.applyGradients = refuseUpdate;
  try {
    return body();
  } finally {
    tf.Variable.prototype.assign = assign;
    for (const [index, { prototype }] of OPTIMIZERS.entries()) {
      prototype.applyGradients = updates[index] as typeof prototype.applyGradients;
    }
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (!before.has(variable)) variable.dispose();
    }
  }
}
