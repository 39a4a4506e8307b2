/**
 * @file The matrices of a model whose singular values mean something: its parameters of rank 2, a packed projection as the
 * three matrices that it holds, and without those that no gradient reaches.
 */
import { type HostTensor, type HostTree, isHostTensor, leavesOf } from '../compile';
import type { Model } from './model';
import type { DenseMatrix } from './singular-values';

/** A matrix of a model, or a part of a packed one. */
export interface WeightMatrix extends DenseMatrix {
  /** The parameter's dotted name; for a part of it, that of the part after another dot, as in `….in_proj_weight.q`. */
  readonly name: string;
}

/** Parameters that hold several matrices of equal shape, one below the other, and what these are. */
const PACKED = { ending: 'in_proj_weight', parts: ['q', 'k', 'v'] } as const;

/**
 * The matrices among a model's parameters, in the order of `model.shapes`. A parameter named `…in_proj_weight`
 * [3·dModel, dModel], PyTorch's packed projection, gives its thirds q, k and v: three maps, each with singular values of its
 * own. Parameters in `model.withoutGradient` are left out: weight decay alone shrinks them, and with them their singular
 * values, whether anything is learned or not.
 *
 * @param params as `model.init` gives them; the matrices share their memory
 */
export function weightMatrices(
  { shapes, withoutGradient = [] }: Pick<Model, 'shapes' | 'withoutGradient'>,
  params: HostTree,
): WeightMatrix[] {
  const tensors = new Map(leavesOf(params, isHostTensor));
  return [...shapes].flatMap(([name, shape]) =>
    shape.length === 2 && !withoutGradient.includes(name) ? parts(name, tensors.get(name) as HostTensor) : [],
  );
}

function parts(name: string, { shape, data }: HostTensor): WeightMatrix[] {
  const [rows, columns] = shape as readonly [number, number];
  if (name !== PACKED.ending && !name.endsWith(`.${PACKED.ending}`)) {
    return [{ name, shape: [rows, columns], data }];
  }
  const size = data.length / PACKED.parts.length;
  return PACKED.parts.map((part, i) => ({
    name: `${name}.${part}`,
    shape: [rows / PACKED.parts.length, columns],
    data: data.subarray(i * size, (i + 1) * size),
  }));
}
