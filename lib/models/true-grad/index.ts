/** @file TrueGrad's second moment: the squared gradients of single examples. */
export { checkUses, type UseCheckOptions } from './check-uses';
export { TRUE_GRAD_FORMS, type TrueGradForm } from './form';
export type { LinearUseOptions, PartUseOptions, Uses } from './uses';
export { type TrueGradOptions, valueGradsAndSquares } from './value-grads-and-squares';
