/** @file Kernels that sort, search and count along the last axis, which stays the last. */
import { at } from '../kernels/rule';
import type { Builder } from './builder';
import type { Argument, BatchRule, BatchRules } from './rule';

/** Rows of all instances below one another: `[rows, length]` of one become `[n·rows, length]`. */
function below(build: Builder, x: Argument): ReturnType<Builder['expanded']> {
  const { shape } = x;
  const length = at(shape, shape.length - 1);
  const rows = shape.length === 1 ? 1 : at(shape, 0);
  return build.reshape(build.expanded(x), [build.n * rows, length]);
}

/** Searches each row of values in its own sorted row. */
const searchSorted: BatchRule = ({ node, inputs, build }) => {
  const [sorted, values] = [below(build, at(inputs, 0)), below(build, at(inputs, 1))];
  const form = { dtype: at(node.outputs, 0).dtype, shape: values.shape };
  const places = build.one(node.op, [sorted, values], node.attrs, form);
  return [build.reshape(places, build.stacked(at(node.outputs, 0).shape))];
};

/** Counts in rows. Presence instead of counts is a matter of rows only, where one instance has several. */
const bincount: BatchRule = ({ node, inputs, build }) => {
  const [x, weights] = [at(inputs, 0), at(inputs, 1)];
  const { dtype, shape } = at(node.outputs, 0);
  const rows = below(build, x);
  const isWeighted = at(weights.shape, weights.shape.length - 1) > 0;
  const attrs = { ...node.attrs, binaryOutput: Boolean(node.attrs.binaryOutput) && x.shape.length === 2 };
  const counts = build.one(
    'DenseBincount',
    [rows, isWeighted ? below(build, weights) : weights.value],
    attrs,
    { dtype, shape: [at(rows.shape, 0), at(shape, shape.length - 1)] },
  );
  return [build.reshape(counts, build.stacked(shape))];
};

export const ordering: BatchRules = {
  TopK: ({ node, inputs, build }) => build.like(node, [at(inputs, 0).value]),
  SearchSorted: searchSorted,
  Bincount: bincount,
  DenseBincount: bincount,
};
