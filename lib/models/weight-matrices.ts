/**
 * @file The matrices of a model whose singular values mean something: its parameters of rank 2, a packed projection as the
 * three matrices that it holds, without those that no gradient reaches and without the additive mask.
 */
import { type HostTensor, type HostTree, isHostTensor, leavesOf } from '../compile';
import { FACTORS, factoredName } from './factor-names';
import type { Model } from './model';
import type { DenseMatrix } from './singular-values';

/** A matrix of a model by name. */
export interface NamedShape {
  /** The parameter's dotted name; for a part of it, that of the part after another dot, as in `….in_proj_weight.q`. */
  readonly name: string;
  readonly shape: readonly [rows: number, columns: number];
}

/** A matrix of a model with its numbers. */
export interface WeightMatrix extends NamedShape, DenseMatrix {}

/** Parameters that hold several matrices of equal shape, one below the other, and what these are. */
const PACKED = { ending: 'in_proj_weight', parts: ['q', 'k', 'v'] } as const;

/** The decoder's additive mask: a table of scores, not a map. */
const NO_MATRIX = 'mask';

/** Where the numbers of a matrix are. */
export interface MatrixPlace extends NamedShape {
  /** The parameter that holds them; σ where the matrix is factored. */
  readonly parameter: string;
  /** Which of the parameter's parts it is. */
  readonly part: number;
}

/** Where a model has its matrices, in the order of its shapes. */
export function matrixPlaces({
  shapes,
  withoutGradient = [],
}: Pick<Model, 'shapes' | 'withoutGradient'>): MatrixPlace[] {
  return [...shapes].flatMap(([parameter, shape]): MatrixPlace[] => {
    if (shape.length !== 2 || parameter === NO_MATRIX || withoutGradient.includes(parameter)) return [];
    if (factoredName(parameter, 'v') !== undefined) return [];
    const [rows, columns] = shape as readonly [number, number];
    const factored = factoredName(parameter, 'u');
    if (factored !== undefined) {
      const [, width] = shapes.get(`${factored}.${FACTORS.v}`) as readonly [number, number];
      return [
        { name: factored, shape: [columns, width], parameter: `${factored}.${FACTORS.sigma}`, part: 0 },
      ];
    }
    if (parameter.split('.').at(-1) !== PACKED.ending) {
      return [{ name: parameter, shape: [rows, columns], parameter, part: 0 }];
    }
    return PACKED.parts.map((name, part) => ({
      name: `${parameter}.${name}`,
      shape: [rows / PACKED.parts.length, columns],
      parameter,
      part,
    }));
  });
}

/** Names and shapes of what `weightMatrices` gives. */
export function weightMatrixShapes(model: Pick<Model, 'shapes' | 'withoutGradient'>): NamedShape[] {
  return matrixPlaces(model).map(({ name, shape }) => ({ name, shape }));
}

/**
 * The matrices among a model's parameters, in the order of `model.shapes`. A parameter named `…in_proj_weight`
 * [3·dModel, dModel], PyTorch's packed projection, gives its thirds q, k and v: three maps, each with singular values of its
 * own. Parameters in `model.withoutGradient` are left out: weight decay alone shrinks them, and with them their singular
 * values, whether anything is learned or not. So is the decoder's additive `mask`, a table of scores rather than a map.
 *
 * A factored matrix, U·diag(σ)·Vᵀ, is given in the bases of its singular vectors, as diag(σ): other numbers, but the same
 * singular values and norms.
 *
 * @param params as `model.init` gives them; the matrices share their memory
 */
export function weightMatrices(
  model: Pick<Model, 'shapes' | 'withoutGradient'>,
  params: HostTree,
): WeightMatrix[] {
  const tensors = new Map(leavesOf(params, isHostTensor));
  return matrixPlaces(model).map(({ name, shape, parameter, part }) => {
    const { data } = tensors.get(parameter) as HostTensor;
    if (factoredName(parameter, 'sigma') === name) return { name, shape, data: diagonal(shape, data) };
    const size = shape[0] * shape[1];
    return { name, shape, data: data.subarray(part * size, (part + 1) * size) };
  });
}

/** The matrix with these numbers on its diagonal. */
function diagonal([rows, columns]: NamedShape['shape'], values: ArrayLike<number>): Float32Array {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) data[i * (columns + 1)] = values[i] as number;
  return data;
}
