/** @file Kernels that work element by element, on values in pieces. Known zeros are not added, nor multiplied. */
import { fillOf, makeValue, type Node, type Value } from '../../graph';
import { sizeOf } from '../../host';
import { at, sameShape } from '../../kernels/rule';
import type { Builder } from '../builder';
import { ZERO_TO_ZERO } from '../pointwise';
import { type Cut, cutUp, type Pieces, pieceIndex, pieceShape, positions, sameCut } from './pieces';
import { type Context, SMALL_OPERAND } from './rule';

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
export function elementwise(node: Node, { build, pieces }: Context): Pieces | undefined {
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
