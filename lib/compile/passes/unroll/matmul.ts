/** @file Matrix products of values in pieces: along the summed axis a sum of products, along the others products. */
import { makeValue, type Value } from '../../graph';
import { sizeOf } from '../../host';
import { at } from '../../kernels/rule';
import { type Cut, cutUp, type Pieces, pieceIndex, pieceShape, positions, sameCut } from './pieces';
import { type Rule, SMALL_OPERAND } from './rule';

export const matMul: Rule = (node, { build, pieces }) => {
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
