/** @file The forms of TrueGrad's second moment. */

/**
 * How the squared gradients of single examples are formed where an example uses a parameter at several places: `exact` adds an
 * example's gradients of all places before squaring; `token` squares each place by itself, which is cheaper and leaves out
 * the products between places; `released` is what the package truegrad 5.0.0 computes, defects included.
 */
export type TrueGradForm = 'exact' | 'token' | 'released';

/** The forms there are. */
export const TRUE_GRAD_FORMS: readonly TrueGradForm[] = ['exact', 'token', 'released'];
