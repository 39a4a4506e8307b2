/**
 * @file Gradients that tfjs lacks or has wrong, put into its registry when this module is loaded, for eager and compiled
 * steps alike. Each file lists those of its kernels and says what was amiss.
 */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { convolutionGradients } from './convolution';
import { structuralGradients } from './structural';

// After tfjs's own, which the first import registers.
for (const gradient of [...structuralGradients, ...convolutionGradients]) tf.registerGradient(gradient);
