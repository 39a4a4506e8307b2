/**
 * @file Gradients that tfjs lacks or has wrong, put into its registry when this module is loaded. tfjs keeps one registry
 * for the whole process, so eager steps are mended too. Each file lists those of its kernels and says what was amiss.
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

// After tfjs's own, which the first import registers.
for (const gradient of GRADIENTS) tf.registerGradient(gradient);
