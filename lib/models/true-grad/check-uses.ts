/**
 * @file Checks marks by the gradient: what a use tells determines its share of the gradient as it determines its squares, and
 * the gradient is known otherwise.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../../errors';
import { namedTensors, type Params } from '../params';
import { gradientOfConvolution } from './convolution';
import { gradientOfBias, gradientOfGain } from './elementwise';
import { gradientOfLinear } from './linear';
import { assembled } from './parts';
import type { Kind, Places } from './places';
import { type PartPlaces, withRecords } from './record';
import { gradientOfEmbedding, gradientOfPosition } from './tables';
import type { Uses } from './uses';

/** What uses are checked over. */
export interface UseCheckOptions {
  /** Examples in the batch: first axis of everything that the forward pass marks. */
  readonly examples: number;
  /** Largest difference of an element, as a share of the sum of the absolute terms that it is made of. Default 1e-3. */
  readonly tolerance?: number;
}

/** Each kind's gradient from its places. */
const GRADIENTS: {
  readonly [K in Kind]: (places: readonly Places[K][], shape: readonly number[]) => tf.Tensor;
} = {
  linear: gradientOfLinear,
  conv2d: gradientOfConvolution,
  bias: gradientOfBias,
  gain: gradientOfGain,
  embedding: gradientOfEmbedding,
  position: gradientOfPosition,
};

/** A place whose gradient is a sum of the absolute terms of the original's. */
const ABSOLUTE: { readonly [K in Kind]: (place: Places[K]) => Places[K] } = {
  linear: ({ x, factor, ...place }) => ({
    ...place,
    x: { ...x, values: tf.abs(x.values) },
    ...(factor && { factor: tf.abs(factor) }),
    dy: tf.abs(place.dy),
  }),
  conv2d: (place) => ({ ...place, x: tf.abs(place.x), dy: tf.abs(place.dy) }),
  bias: ({ dy }) => ({ dy: tf.abs(dy) }),
  gain: ({ x, dy }) => ({ x: tf.abs(x), dy: tf.abs(dy) }),
  embedding: (place) => ({ ...place, dy: tf.abs(place.dy) }),
  position: (place) => ({ ...place, dy: tf.abs(place.dy) }),
};

/**
 * Checks the marks of a forward pass on one batch: the gradient that they determine (Σxᵀdy of a matrix, Σdy of a bias, and so on)
 * must be the one that differentiation gives. It finds a use that is not marked, a parameter said to be unused that is not, inputs
 * that are not those of the product, a matrix marked the wrong way round, and results that the pass does not go on with.
 *
 * For tests of a model, run eagerly, with parameters and a batch in which nothing vanishes. What the gradient cannot tell: whether
 * the loss is the mean of the examples' own, and whether one example's depends on another's row.
 *
 * @param f as `valueGradsAndSquares` takes it
 * @throws {ArgumentError} naming the first parameter whose gradients differ; and as `valueGradsAndSquares` does
 */
export function checkUses<P extends Params>(
  f: (params: P, uses: Uses) => tf.Tensor,
  params: P,
  { examples, tolerance = 1e-3 }: UseCheckOptions,
): void {
  tf.tidy(() => {
    withRecords(f, params, examples, ({ grads, records }) => {
      for (const [name, gradient] of namedTensors(grads)) {
        const parts = records.get(name) ?? [];
        const { shape } = gradient;
        const marked = assembled(name, shape, parts, (part, own) => gradientOf(part, own));
        const terms = assembled(name, shape, parts, (part, own) => gradientOf(absolute(part), own));
        const [own, expected, sizes] = [marked, gradient, terms].map((tensor) => tensor.dataSync());
        const wrong = (expected as Float32Array).findIndex((value, i) => {
          const difference = Math.abs((own?.[i] as number) - value);
          return !(difference <= tolerance * (sizes?.[i] as number));
        });
        if (wrong >= 0) throw differs(name, wrong, own?.[wrong] as number, expected?.[wrong] as number);
      }
    });
  });
}

function gradientOf<K extends Kind>({ kind, places }: PartPlaces, shape: readonly number[]): tf.Tensor {
  return GRADIENTS[kind as K](places as unknown as readonly Places[K][], shape);
}

function absolute<K extends Kind>({ kind, places, part }: PartPlaces): PartPlaces {
  const own = (places as unknown as Places[K][]).map((place) => ABSOLUTE[kind as K](place));
  return { kind, part, places: own } as unknown as PartPlaces;
}

const differs = (name: string, element: number, marked: number, expected: number) =>
  new ArgumentError(
    `the marked uses of ${name} give its element ${element} the gradient ${marked.toPrecision(4)}, but it is ${expected.toPrecision(4)}; mark every use, with the inputs of that very product and its option transposed`,
  );
