/** @file What a kernel does to values in pieces. A kernel without a rule gets them whole. */
import { makeValue, type Value } from '../../graph';
import { sliceBounds } from '../../kernels/movement';
import { at, normalizeAxes, sameShape } from '../../kernels/rule';
import { POINTWISE } from '../pointwise';
import { elementwise } from './elementwise';
import { matMul } from './matmul';
import {
  type Cut,
  cutUp,
  isPure,
  type Pieces,
  pieceIndex,
  pieceShape,
  positions,
  reshapedCuts,
} from './pieces';
import type { Rule } from './rule';

/** Longest axis that is cut: each piece has kernels of its own. */
export const LONGEST_CUT = 8;

const mapped = (
  pieces: Pieces,
  form: Pick<Pieces, 'shape' | 'cuts'>,
  f: (piece: Value, shape: readonly number[]) => Value,
): Pieces => {
  const shape = pieceShape(form);
  return { ...form, dtype: pieces.dtype, pieces: pieces.pieces.map((piece) => piece && f(piece, shape)) };
};

const reshape: Rule = (node, { build, pieces }) => {
  const x = pieces(at(node.inputs, 0));
  if (x === undefined) return undefined;
  const { shape } = at(node.outputs, 0);
  const cuts = reshapedCuts(x, shape);
  return cuts && mapped(x, { shape, cuts }, (piece, form) => build.reshape(piece, form));
};

const transpose: Rule = (node, { build, pieces }) => {
  const x = pieces(at(node.inputs, 0));
  if (x === undefined) return undefined;
  const perm = node.attrs.perm as number[];
  const { shape } = at(node.outputs, 0);
  const moved = x.cuts.map((cut) => ({ ...cut, axis: perm.indexOf(cut.axis) }));
  const cuts = [...moved].sort((a, b) => a.axis - b.axis);
  const turned = mapped(x, { shape, cuts }, (piece, form) =>
    build.node('Transpose', [piece], { perm }, form, piece.dtype),
  );
  // The pieces are still in the order of the cuts before.
  const order = positions(cuts).map((position) =>
    pieceIndex(
      x.cuts,
      moved.map((cut) => at(position, cuts.indexOf(cut))),
    ),
  );
  return { ...turned, pieces: order.map((i) => turned.pieces[i]) };
};

/** Slices of whole other axes; along a cut, a range of pieces. */
const slice: Rule = (node, { build, pieces }) => {
  const x = pieces(at(node.inputs, 0));
  if (x === undefined) return undefined;
  const { shape } = at(node.outputs, 0);
  const { begin } = sliceBounds(x, node.attrs);
  const isWhole = (axis: number) => shape[axis] === x.shape[axis];
  if (!x.cuts.every((cut) => isWhole(cut.axis) || isPure(cut))) return undefined;
  const cuts = x.cuts.flatMap((cut) => {
    const length = isPure(cut) ? at(shape, cut.axis) : cut.length;
    return length === 1 ? [] : [{ ...cut, length }];
  });
  const kept = positions(cuts).map((position) => {
    const source = x.cuts.map((cut) => {
      const i = cuts.findIndex(({ axis }) => axis === cut.axis);
      return (i < 0 ? 0 : at(position, i)) + (isPure(cut) ? at(begin, cut.axis) : 0);
    });
    return x.pieces[pieceIndex(x.cuts, source)];
  });
  const form = pieceShape({ shape, cuts });
  const isCut = (axis: number) => x.cuts.some((cut) => cut.axis === axis);
  const first = begin.map((start, axis) => (isCut(axis) ? 0 : start));
  const results = kept.map(
    (piece) =>
      piece &&
      (sameShape(piece.shape, form)
        ? piece
        : build.node('Slice', [piece], { begin: first, size: form }, form, x.dtype)),
  );
  if (cuts.length > 0) return { dtype: x.dtype, shape, cuts, pieces: results };
  return results[0] ?? makeValue(x.dtype, shape, { fill: 0 });
};

/** Zeros put before and after one element along a short axis: that element's piece and absent ones. */
const pad: Rule = (node, { build, pieces }) => {
  const x = at(node.inputs, 0);
  const { shape } = at(node.outputs, 0);
  if (node.attrs.constantValue !== 0 || pieces(x) !== undefined) return undefined;
  const paddings = node.attrs.paddings as [number, number][];
  const padded = paddings.flatMap(([before, after], axis) => (before + after > 0 ? [axis] : []));
  const [axis] = padded;
  if (padded.length !== 1 || axis === undefined || x.shape[axis] !== 1 || at(shape, axis) > LONGEST_CUT) {
    return undefined;
  }
  const length = at(shape, axis);
  const place = at(paddings, axis)[0];
  const results = Array.from({ length }, (_, i) => (i === place ? build.reshape(x, x.shape) : undefined));
  return { dtype: x.dtype, shape, cuts: [{ axis, outer: 1, length, inner: 1 }], pieces: results };
};

/** What joins the pieces along a cut that is reduced. */
const JOIN: Readonly<Record<string, string>> = { Sum: 'Add', Max: 'Maximum', Min: 'Minimum' };

const reduce: Rule = (node, { build, pieces }) => {
  const x = pieces(at(node.inputs, 0));
  const join = JOIN[node.op];
  if (x === undefined || join === undefined) return undefined;
  const output = at(node.outputs, 0);
  const keepDims = Boolean(node.attrs.keepDims);
  const axes = normalizeAxes(node.attrs.axis ?? node.attrs.reductionIndices, x.shape.length);
  const gone = x.cuts.filter(({ axis }) => axes.includes(axis));
  // Joining kernels take numbers.
  if (gone.length > 0 && x.dtype === 'bool') return undefined;
  const stay = x.cuts.filter(({ axis }) => !axes.includes(axis));
  const shifted = (axis: number) => axis - (keepDims ? 0 : axes.filter((other) => other < axis).length);
  const cuts = stay.map((cut) => ({ ...cut, axis: shifted(cut.axis) }));
  const form = pieceShape({ shape: output.shape, cuts });
  const name = node.op === 'Max' ? 'reductionIndices' : 'axis';
  // Axes of length one in a piece have nothing left to reduce.
  const pieceForm = pieceShape(x);
  const rest = axes.filter((axis) => at(pieceForm, axis) !== 1);
  const reduced = (piece: Value) => {
    if (rest.length === 0) return build.reshape(piece, form);
    const shape = piece.shape.flatMap((d, axis) => (!rest.includes(axis) ? [d] : keepDims ? [1] : []));
    return build.reshape(build.node(node.op, [piece], { [name]: rest, keepDims }, shape, x.dtype), form);
  };
  const results = positions(cuts).map((position) => {
    const inside = positions(gone).map((hidden) => {
      const all = x.cuts.map((cut) => {
        const i = stay.indexOf(cut);
        return i >= 0 ? at(position, i) : at(hidden, gone.indexOf(cut));
      });
      return x.pieces[pieceIndex(x.cuts, all)];
    });
    // Zeros count for a maximum.
    if (node.op === 'Sum') return build.sum(inside.flatMap((piece) => (piece ? [reduced(piece)] : [])));
    const present = inside.map((piece) => reduced(piece ?? makeValue(x.dtype, pieceForm, { fill: 0 })));
    return present.reduce((a, b) => build.node(join, [a, b], {}, form, x.dtype));
  });
  if (cuts.length > 0) return { dtype: x.dtype, shape: output.shape, cuts, pieces: results };
  return results[0] ?? makeValue(x.dtype, output.shape, { fill: 0 });
};

/** Softmax along a cut axis: by its pieces' maximum, exponentials and total. Along another: of each piece. */
const softmax: Rule = (node, { build, pieces }) => {
  const x = pieces(at(node.inputs, 0));
  if (x === undefined || x.pieces.some((piece) => piece === undefined)) return undefined;
  const axis = at(normalizeAxes(node.attrs.dim ?? -1, x.shape.length), 0);
  const form = pieceShape(x);
  const along = x.cuts.findIndex((cut) => cut.axis === axis);
  const list = x.pieces as readonly Value[];
  if (along < 0) {
    return { ...x, pieces: list.map((piece) => build.node('Softmax', [piece], node.attrs, form)) };
  }
  if (!isPure(at(x.cuts, along))) return undefined;
  const spots = positions(x.cuts);
  const rowOf = (position: readonly number[]) => position.filter((_, i) => i !== along).join();
  const groups = new Map<string, number[]>();
  for (const [i, position] of spots.entries()) {
    groups.set(rowOf(position), [...(groups.get(rowOf(position)) ?? []), i]);
  }
  const results: Value[] = [];
  const op = (name: string, a: Value, b: Value) => build.node(name, [a, b], {}, form);
  for (const members of groups.values()) {
    const own = members.map((i) => at(list, i));
    const largest = own.reduce((a, b) => op('Maximum', a, b));
    const powers = own.map((piece) => build.node('Exp', [op('Sub', piece, largest)], {}, form));
    const total = powers.reduce((a, b) => op('Add', a, b));
    for (const [k, i] of members.entries()) results[i] = op('RealDiv', at(powers, k), total);
  }
  return { ...x, pieces: results };
};

/** Rows looked up by constant indices with a short last axis, as of an embedding: where cutting begins. */
const gather: Rule = (node, { build, pieces }) => {
  const [x, indices] = [at(node.inputs, 0), at(node.inputs, 1)];
  const axis = at(normalizeAxes(node.attrs.axis ?? 0, x.shape.length), 0);
  const rank = indices.shape.length;
  const length = indices.shape[rank - 1] ?? 1;
  const fits =
    pieces(x) === undefined &&
    indices.constant !== undefined &&
    axis === 0 &&
    !node.attrs.batchDims &&
    rank >= 2 &&
    length > 1 &&
    length <= LONGEST_CUT;
  if (!fits) return undefined;
  const cut: Cut = { axis: rank - 1, outer: 1, length, inner: 1 };
  const { shape } = at(node.outputs, 0);
  const form = pieceShape({ shape, cuts: [cut] });
  const results = cutUp(build, indices, [cut]).pieces.map(
    (piece) => piece && build.node('GatherV2', [x, piece], node.attrs, form, x.dtype),
  );
  return { dtype: x.dtype, shape, cuts: [cut], pieces: results };
};

/** Sums by constant segment ids: of each piece by its own ids. */
const segmentSum: Rule = (node, { build, pieces }) => {
  const [x, ids] = [pieces(at(node.inputs, 0)), at(node.inputs, 1)];
  if (x === undefined || ids.constant === undefined) return undefined;
  if (!x.cuts.every(({ axis }) => axis < ids.shape.length)) return undefined;
  const { shape } = at(node.outputs, 0);
  const parts = cutUp(build, ids, x.cuts).pieces;
  const sums = x.pieces.flatMap((piece, i) => {
    const own = parts[i];
    return piece && own ? [build.node('UnsortedSegmentSum', [piece, own], node.attrs, shape, x.dtype)] : [];
  });
  return build.sum(sums) ?? makeValue(x.dtype, shape, { fill: 0 });
};

export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...[...POINTWISE].map((op): [string, Rule] => [op, elementwise]),
  ['Reshape', reshape],
  ['ExpandDims', reshape],
  ['Transpose', transpose],
  ['Slice', slice],
  ['PadV2', pad],
  ['Sum', reduce],
  ['Max', reduce],
  ['Min', reduce],
  ['Softmax', softmax],
  ['BatchMatMul', matMul],
  ['GatherV2', gather],
  ['UnsortedSegmentSum', segmentSum],
]);
