/** @file The forms of TrueGrad's second moment. */

/**
 * How the squared gradients of single examples are formed where an example uses a parameter at several places: `exact` adds an
 * example's gradients of all places before squaring; `token` squares the gradient of each place by itself, as if every place
 * were an example, and leaves out the products between places, which are 2.4 % of the multiply-adds of a step of write-up
 * 2's GPT; `released` is what the package truegrad 5.0.0 computes, defects included (of learned positions and convolutions, which
 * it has no squares of, what it does for biases and for matrices).
 */
export type TrueGradForm = 'exact' | 'token' | 'released';

/** The forms there are. */
export const TRUE_GRAD_FORMS: readonly TrueGradForm[] = ['exact', 'token', 'released'];
