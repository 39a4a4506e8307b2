/**
 * @file Gradients that tfjs lacks or has wrong, put into its registry when this module is loaded and again wherever one is
 * about to be used. tfjs keeps one registry for the whole process, so eager steps are mended too. Each file lists those of
 * its kernels and says what was amiss.
 */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { convolutionGradients } from './convolution';
import { elementwiseGradients } from './elementwise';
import { indexingGradients } from './indexing';
import { scanGradients } from './scan';
import { structuralGradients } from './structural';
import { topKGradient } from './top-k';

/** Every gradient that this package registers. */
export const GRADIENTS: readonly tf.GradConfig[] = [
  ...elementwiseGradients,
  ...scanGradients,
  topKGradient,
  ...indexingGradients,
  ...structuralGradients,
  ...convolutionGradients,
];

/**
 * Puts back what was replaced in tfjs's registry, as it stands now. Any copy of tfjs that is loaded later registers all of
 * its own gradients there, wrong ones among them, and says nothing: danfo.js brings one. So this is called before every
 * trace, every run of an eager step and every gradient that the package asks for, not only once. A gradient that a user
 * registers for one of these kernels is replaced too; `tf.customGrad` is the way to give an operation another one.
 */
export function registerGradients(): void {
  for (const gradient of GRADIENTS) {
    if (tf.getGradient(gradient.kernelName) !== gradient) tf.registerGradient(gradient);
  }
}

// After tfjs's own, which the first import registers.
registerGradients();
