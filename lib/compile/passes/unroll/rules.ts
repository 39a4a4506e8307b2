/** @file What a kernel does to values in pieces. A kernel without a rule gets them whole. */
import { fillOf, makeValue, type Node, type Value } from '../../graph';
import { sizeOf } from '../../host';
import { sliceBounds } from '../../kernels/movement';
import { at, normalizeAxes, sameShape } from '../../kernels/rule';
import type { Builder } from '../builder';
import { POINTWISE, ZERO_TO_ZERO } from '../pointwise';
import {
  type Cut,
  cutUp,
  isPure,
  type Pieces,
  pieceIndex,
  pieceShape,
  positions,
  reshapedCuts,
  sameCut,
} from './pieces';

/** Longest axis that is cut: each piece has kernels of its own. */
export const LONGEST_CUT = 8;

/** A whole operand is cut to fit others in pieces where it is at most this share of the result; else they are joined. */
const SMALL_OPERAND = 0.25;

/** What a rule may ask of the pass. */
export interface Context {
  readonly build: Builder;
  /** The pieces of a value that has any. */
  pieces(value: Value): Pieces | undefined;
}

/** The result in pieces, or whole, or nothing where the rule does not fit. */
export type Rule = (node: Node, context: Context) => Pieces | Value | undefined;

/** An operand as it takes part in a kernel with others: in pieces that broadcast. */
interface Part {
  /** Of each piece. */
  readonly shape: readonly number[];
  /** The piece at a position of the result; `undefined` is all zeros. */
  at(position: readonly number[]): Value | undefined;
}

/** Cuts of an operand as axes of a result of higher rank. */
const aligned = (cuts: readonly Cut[], shift: number): Cut[] =>
  cuts.map((cut) => ({ ...cut, axis: cut.axis + shift }));

/** Kernels that work element by element, with any number of operands that broadcast. */
function elementwise(node: Node, { build, pieces }: Context): Pieces | undefined {
  const output = at(node.outputs, 0);
  const rank = output.shape.length;
  const operands = node.inputs.map((value) => ({ value, cut: pieces(value) }));
  const cuts: Cut[] = [];
  for (const { value, cut } of operands) {
    for (const candidate of aligned(cut?.cuts ?? [], rank - value.shape.length)) {
      const same = cuts.find(({ axis }) => axis === candidate.axis);
      if (same !== undefined && !sameCut(same, candidate)) return undefined;
      if (same === undefined) cuts.push(candidate);
    }
  }
  cuts.sort((a, b) => a.axis - b.axis);
  const parts: Part[] = [];
  for (const { value, cut } of operands) {
    const part = partsOf(value, cut, cuts, output, build);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const shape = pieceShape({ shape: output.shape, cuts });
  const results = positions(cuts).map((position) => {
    const inputs = parts.map((part) => part.at(position));
    const known = withZeros(node, inputs, shape, build);
    if (known !== 'no rule') return known;
    // Zeros of full shape, which the result may have from them alone.
    const given = inputs.map(
      (input, i) => input ?? makeValue(at(node.inputs, i).dtype, at(parts, i).shape, { fill: 0 }),
    );
    return build.node(node.op, given, node.attrs, shape, output.dtype);
  });
  return { dtype: output.dtype, shape: output.shape, cuts, pieces: results };
}

/** How one operand takes part: its pieces, itself where it broadcasts along all cuts, or cut to fit where it is small. */
function partsOf(
  value: Value,
  own: Pieces | undefined,
  cuts: readonly Cut[],
  output: Value,
  build: Builder,
): Part | undefined {
  const shift = output.shape.length - value.shape.length;
  const spans = cuts.filter(({ axis }) => axis >= shift && at(value.shape, axis - shift) !== 1);
  const mine = aligned(own?.cuts ?? [], shift);
  const missing = spans.filter((cut) => !mine.some(({ axis }) => axis === cut.axis));
  let part = own;
  if (missing.length > 0) {
    // A merged axis cannot be cut for an operand that has only a part of it.
    const fits = missing.every(({ axis }) => value.shape[axis - shift] === output.shape[axis]);
    const small = value.constant !== undefined || sizeOf(value.shape) <= SMALL_OPERAND * sizeOf(output.shape);
    if (own !== undefined || !fits || !small) return undefined;
    part =
      fillOf(value) === undefined
        ? cutUp(build, value, aligned(missing, -shift))
        : filledPieces(value, aligned(missing, -shift));
  }
  if (part === undefined) return { shape: value.shape, at: () => value };
  const found = part;
  const chosen = aligned(found.cuts, shift).map(({ axis }) => cuts.findIndex((cut) => cut.axis === axis));
  const placeOf = (position: readonly number[]) => chosen.map((i) => at(position, i));
  return {
    shape: pieceShape(found),
    at: (position) => found.pieces[pieceIndex(found.cuts, placeOf(position))],
  };
}

function filledPieces(value: Value, cuts: readonly Cut[]): Pieces {
  const shape = pieceShape({ shape: value.shape, cuts });
  const piece = makeValue(value.dtype, shape, { fill: fillOf(value) ?? 0 });
  return { dtype: value.dtype, shape: value.shape, cuts, pieces: positions(cuts).map(() => piece) };
}

/** Results that follow from operands that are zero: a sum's other term, no product. */
function withZeros(
  node: Node,
  inputs: readonly (Value | undefined)[],
  shape: readonly number[],
  build: Builder,
): Value | undefined | 'no rule' {
  const [a, b] = inputs;
  if (inputs.every((input) => input === undefined)) return ZERO_TO_ZERO.has(node.op) ? undefined : 'no rule';
  if (inputs.length !== 2 || (a !== undefined && b !== undefined)) return 'no rule';
  if (node.op === 'Multiply' || (node.op === 'RealDiv' && a === undefined)) return undefined;
  const other = a ?? b;
  if (other === undefined || !sameShape(other.shape, shape)) return 'no rule';
  if (node.op === 'Add' || (node.op === 'Sub' && b === undefined)) return other;
  if (node.op === 'Sub') return build.node('Neg', [other], {}, shape, other.dtype);
  return 'no rule';
}

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

const matMul: Rule = (node, { build, pieces }) => {
  const output = at(node.outputs, 0);
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  const rank = output.shape.length;
  /** For each axis of an operand the axis of the result, `k` for the one that is summed. */
  const roles = (value: Value, last: readonly (number | 'k')[]) => [
    ...Array.from({ length: value.shape.length - 2 }, (_, i) => i + rank - value.shape.length),
    ...last,
  ];
  const leftRoles = roles(a, node.attrs.transposeA ? ['k', rank - 2] : [rank - 2, 'k']);
  const rightRoles = roles(b, node.attrs.transposeB ? [rank - 1, 'k'] : ['k', rank - 1]);
  const [cutA, cutB] = [pieces(a), pieces(b)];
  const inner: Cut[] = [];
  const cuts: Cut[] = [];
  for (const [operand, own] of [
    [cutA, leftRoles],
    [cutB, rightRoles],
  ] as const) {
    for (const cut of operand?.cuts ?? []) {
      const role = at(own, cut.axis);
      const list = role === 'k' ? inner : cuts;
      const placed = { ...cut, axis: role === 'k' ? -1 : role };
      const same = list.find(({ axis }) => axis === placed.axis);
      if (same !== undefined && !sameCut(same, placed)) return undefined;
      if (same === undefined) list.push(placed);
    }
  }
  cuts.sort((x, y) => x.axis - y.axis);
  const part = (value: Value, own: Pieces | undefined, ownRoles: readonly (number | 'k')[]) => {
    const spans = [...cuts, ...inner].flatMap((cut) => {
      const axis = ownRoles.indexOf(cut.axis === -1 ? 'k' : cut.axis);
      return axis >= 0 && value.shape[axis] !== 1 ? [{ cut, axis }] : [];
    });
    const missing = spans.filter(({ axis }) => !own?.cuts.some((cut) => cut.axis === axis));
    if (missing.length > 0 && own !== undefined) return undefined;
    // Cutting a whole operand copies it, which pays where it is small.
    const small = value.constant !== undefined || sizeOf(value.shape) <= SMALL_OPERAND * sizeOf(output.shape);
    if (missing.length > 0 && !small) return undefined;
    const found =
      missing.length === 0
        ? own
        : cutUp(
            build,
            value,
            missing.map(({ cut, axis }) => ({ ...cut, axis })).sort((x, y) => x.axis - y.axis),
          );
    if (found === undefined) return () => value;
    return (outer: readonly number[], hidden: readonly number[]) => {
      const place = found.cuts.map((cut) => {
        const role = at(ownRoles, cut.axis);
        return role === 'k'
          ? at(hidden, 0)
          : at(
              outer,
              cuts.findIndex(({ axis }) => axis === role),
            );
      });
      return found.pieces[pieceIndex(found.cuts, place)];
    };
  };
  const [partA, partB] = [part(a, cutA, leftRoles), part(b, cutB, rightRoles)];
  if (partA === undefined || partB === undefined) return undefined;
  const form = pieceShape({ shape: output.shape, cuts });
  const results = positions(cuts).map((outer) =>
    build.sum(
      positions(inner).flatMap((hidden) => {
        const [x, y] = [partA(outer, hidden), partB(outer, hidden)];
        return x && y ? [build.node('BatchMatMul', [x, y], node.attrs, form, output.dtype)] : [];
      }),
    ),
  );
  if (cuts.length > 0) return { dtype: output.dtype, shape: output.shape, cuts, pieces: results };
  return results[0] ?? makeValue(output.dtype, output.shape, { fill: 0 });
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
