/** @file Kernels that work along chosen axes: the axes count one further. */
import { at, normalizeAxes } from '../kernels/rule';
import type { BatchRule, BatchRules } from './rule';

/** The attribute that names the axes, moved one on; where it is left out, all axes but the batch's. */
function alongAxes(attribute: string): BatchRule {
  return ({ node, inputs, build }) => {
    const x = at(inputs, 0);
    const axes = normalizeAxes(node.attrs[attribute], x.shape.length).map((axis) => axis + 1);
    return build.like(node, [x.value], { ...node.attrs, [attribute]: axes });
  };
}

/** The same for an attribute that is one number. */
function alongAxis(attribute: string): BatchRule {
  return ({ node, inputs, build }) => {
    const x = at(inputs, 0);
    const axis = at(normalizeAxes(node.attrs[attribute] ?? 0, x.shape.length), 0) + 1;
    return build.like(node, [x.value], { ...node.attrs, [attribute]: axis });
  };
}

export const reductions: BatchRules = {
  Sum: alongAxes('axis'),
  Mean: alongAxes('axis'),
  Prod: alongAxes('axis'),
  All: alongAxes('axis'),
  Any: alongAxes('axis'),
  Max: alongAxes('reductionIndices'),
  Min: alongAxes('axis'),
  ArgMax: alongAxis('axis'),
  ArgMin: alongAxis('axis'),
  Softmax: alongAxis('dim'),
  Cumsum: alongAxis('axis'),
  Cumprod: alongAxis('axis'),
};
