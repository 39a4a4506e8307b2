/** @file Which nodes are linear in matrices, and what each says as a sum of chains. */
import { type Block, constantData, type Node, type Value } from '../../graph';
import { at, normalizeAxes } from '../../kernels/rule';
import { type Chain, isOnes, type SpecialFactors, transposeChain } from './chains';

/** A sum of chains of one shape. */
export type Sum = readonly Chain[];

/** What a linear node computes from the sums of its inputs that are matrices. */
export type Expand = (inputs: readonly Sum[]) => Sum;

const isMatrix = (value: Value | undefined): value is Value =>
  value !== undefined && value.dtype === 'float32' && value.shape.length === 2 && !value.shape.includes(0);

/** How a node is linear in matrices; `undefined` where it is not. */
export function linearity(node: Node, special: SpecialFactors): Expand | undefined {
  const output = node.outputs[0];
  if (output === undefined || !isMatrix(node.inputs[0])) return undefined;
  if (node.op === 'Sum') return isColumnSum(node) ? columnSum(node, special) : undefined;
  if (!isMatrix(output)) return undefined;
  if (node.op === 'GatherV2') return gather(node, special);
  if (node.op === 'UnsortedSegmentSum') return segmentSum(node, special);
  if (!node.inputs.every(isMatrix)) return undefined;
  if (node.op === 'BatchMatMul') return product(node);
  if (node.op === 'Add') return addition(node, output, special);
  return node.op === 'Transpose' ? transposition(node) : undefined;
}

function product({ attrs }: Node): Expand {
  const turned = (chain: Chain, transposed: boolean) => (transposed ? transposeChain(chain) : chain);
  return ([left = [], right = []]) =>
    left.flatMap((a) =>
      right.map((b) => [...turned(a, Boolean(attrs.transposeA)), ...turned(b, Boolean(attrs.transposeB))]),
    );
}

function addition({ inputs }: Node, output: Value, special: SpecialFactors): Expand | undefined {
  const rows = at(output.shape, 0);
  // Of two operands that broadcast against each other neither has the shape of the result.
  const fits = inputs.every(
    ({ shape }) => shape[1] === output.shape[1] && (shape[0] === rows || shape[0] === 1),
  );
  if (!fits) return undefined;
  const column = special.ones(rows);
  return (sums) =>
    sums.flatMap((sum, i) => (inputs[i]?.shape[0] === rows ? sum : sum.map((chain) => [column, ...chain])));
}

function transposition({ attrs }: Node): Expand {
  const swaps = (attrs.perm as number[])[0] === 1;
  return ([sum = []]) => (swaps ? sum.map(transposeChain) : sum);
}

function isColumnSum({ inputs, attrs }: Node): boolean {
  const axes = normalizeAxes(attrs.axis, 2);
  return axes.length === 1 && axes[0] === 0 && (inputs[0]?.shape[0] ?? 1) > 1;
}

function columnSum({ inputs }: Node, special: SpecialFactors): Expand {
  const row = { ...special.ones(at(at(inputs, 0).shape, 0)), transposed: true };
  return ([sum = []]) => sum.map((chain) => [row, ...chain]);
}

function gather({ inputs, attrs }: Node, special: SpecialFactors): Expand | undefined {
  const [x, indices] = [at(inputs, 0), at(inputs, 1)];
  const isRows = (attrs.axis ?? 0) === 0 && !attrs.batchDims && indices.shape.length === 1;
  if (!isRows || indices.constant === undefined) return undefined;
  const selection = special.selection(indices, at(x.shape, 0), constantData(indices));
  return selection && (([sum = []]) => sum.map((chain) => [...selection, ...chain]));
}

function segmentSum({ inputs, attrs }: Node, special: SpecialFactors): Expand | undefined {
  const ids = at(inputs, 1);
  if (ids.constant === undefined || ids.shape.length !== 1) return undefined;
  const selection = special.selection(ids, attrs.numSegments as number, constantData(ids));
  return selection && (([sum = []]) => sum.map((chain) => [...transposeChain(selection), ...chain]));
}

/** Whether a chain multiplies ones by ones, whose product is a number rather than a matrix. */
export function countsOnes(chain: Chain): boolean {
  return chain.some(
    ({ value }, i) => isOnes(value) && chain[i + 1] !== undefined && isOnes(at(chain, i + 1).value),
  );
}

/** Linear nodes by their result, in the order of their block. */
export type LinearNodes = ReadonlyMap<Value, { readonly node: Node; readonly expand: Expand }>;

export function linearNodes(block: Block, special: SpecialFactors): LinearNodes {
  const found = new Map<Value, { node: Node; expand: Expand }>();
  for (const node of block.nodes) {
    const expand = linearity(node, special);
    if (expand !== undefined) found.set(at(node.outputs, 0), { node, expand });
  }
  return found;
}
