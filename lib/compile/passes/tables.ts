/**
 * @file Computes once for each row of a table what is computed for every row looked up in it, and sums by index before
 * multiplying by what all rows have in common. f(gather(T, i)) becomes gather(f(T), i) where T is the smaller, and
 * Σ u·gather(T, i) becomes Σ segmentSum(u, i)·T. Sums are added in another order.
 */
import { constantData, fillOf, type Graph, makeValue, type Node, type Value } from '../graph';
import { sizeOf } from '../host';
import { at, normalizeAxes, sameShape } from '../kernels/rule';
import { Builder } from './builder';
import { POINTWISE } from './pointwise';
import { rewriteGraph } from './rewrite';
import { BROADCAST } from './simplify';

/** A value whose rows repeat: those of `table` by `index`, or the only row of `table` throughout. */
interface Repeated {
  readonly table: Value;
  readonly index?: Value;
}

/** A table has at most this share of the rows looked up in it. */
const LARGEST_TABLE = 0.5;

export function computeOnTables(graph: Graph): Graph {
  const repeated = new Map<Value, Repeated>();
  const producers = new Map<Value, Node>();
  return rewriteGraph(graph, (node) => {
    const output = at(node.outputs, 0);
    const build = new Builder();
    const result = sunkSum(node, repeated, producers, build);
    const found = result === undefined ? onTable(node, repeated, build) : undefined;
    const kept = found === undefined ? reduced(node, output, repeated) : undefined;
    const nodes = [...build.nodes, ...(kept === undefined ? [] : [kept])];
    let value = output;
    if (result !== undefined) value = result;
    if (found !== undefined) {
      value = makeValue(output.dtype, output.shape);
      nodes.push(expansion(found, value));
      repeated.set(value, found);
    }
    for (const each of nodes) for (const made of each.outputs) producers.set(made, each);
    return value === output ? nodes : [...nodes, { replaceBy: [value] }];
  });
}

/** The node that writes all rows of a repeated value. */
function expansion({ table, index }: Repeated, output: Value): Node {
  return index === undefined
    ? { op: BROADCAST, inputs: [table], outputs: [output], attrs: { shape: output.shape } }
    : { op: 'GatherV2', inputs: [table, index], outputs: [output], attrs: { axis: 0, batchDims: 0 } };
}

/** The table of a node's result, where all that the node takes is repeated. */
function onTable(node: Node, repeated: ReadonlyMap<Value, Repeated>, build: Builder): Repeated | undefined {
  const output = at(node.outputs, 0);
  const rows = output.shape[0] ?? 1;
  if (node.outputs.length !== 1 || rows === 1 || sizeOf(output.shape) === 0) return undefined;
  if (node.op === 'GatherV2') return lookedUp(node, rows, build);
  if (node.op === BROADCAST) return broadcastRow(node, output);
  const source = repeated.get(at(node.inputs, 0));
  if (node.op === 'Reshape' || node.op === 'ExpandDims') {
    if (source === undefined || at(node.inputs, 0).shape[0] !== rows) return undefined;
    return {
      ...source,
      table: build.reshape(source.table, [at(source.table.shape, 0), ...output.shape.slice(1)]),
    };
  }
  if (node.op === 'Sum' || node.op === 'Max') {
    const name = node.op === 'Max' ? 'reductionIndices' : 'axis';
    if (
      source === undefined ||
      normalizeAxes(node.attrs[name], at(node.inputs, 0).shape.length).includes(0)
    ) {
      return undefined;
    }
    return { ...source, table: compute(node, [source.table], output, build) };
  }
  return POINTWISE.has(node.op) ? pointwise(node, output, repeated, build) : undefined;
}

/** Runs a node's kernel on as many rows as its operands' tables have. */
function compute(node: Node, inputs: readonly Value[], output: Value, build: Builder): Value {
  const rows = Math.max(...inputs.map(({ shape }) => (shape.length === 0 ? 1 : at(shape, 0))));
  return build.node(node.op, inputs, node.attrs, [rows, ...output.shape.slice(1)], output.dtype);
}

function lookedUp({ inputs, attrs }: Node, rows: number, build: Builder): Repeated | undefined {
  const [x, index] = [at(inputs, 0), at(inputs, 1)];
  if (
    (attrs.axis ?? 0) !== 0 ||
    attrs.batchDims ||
    index.constant === undefined ||
    index.shape.length !== 1
  ) {
    return undefined;
  }
  const only = fillOf(index);
  if (only !== undefined) {
    const one = makeValue('int32', [1], { fill: only });
    return { table: build.node('GatherV2', [x, one], attrs, [1, ...x.shape.slice(1)], x.dtype) };
  }
  return at(x.shape, 0) <= LARGEST_TABLE * rows ? { table: x, index } : undefined;
}

function broadcastRow({ inputs }: Node, output: Value): Repeated | undefined {
  const x = at(inputs, 0);
  const same = sameShape(x.shape.slice(1), output.shape.slice(1));
  return x.shape[0] === 1 && x.shape.length === output.shape.length && same ? { table: x } : undefined;
}

/** An operand that is the same for all rows: of lower rank, or with one row. */
const isShared = (value: Value, rank: number): boolean => value.shape.length < rank || value.shape[0] === 1;

function pointwise(
  node: Node,
  output: Value,
  repeated: ReadonlyMap<Value, Repeated>,
  build: Builder,
): Repeated | undefined {
  const rank = output.shape.length;
  let index: Value | undefined;
  const tables: Value[] = [];
  for (const value of node.inputs) {
    const own = repeated.get(value);
    if (own === undefined && !isShared(value, rank)) return undefined;
    if (own?.index !== undefined && index !== undefined && !sameIndex(own.index, index)) return undefined;
    index ??= own?.index;
    tables.push(own?.table ?? value);
  }
  // Where nothing is looked up, everything is one row.
  if (index === undefined && !node.inputs.some((value) => repeated.has(value))) return undefined;
  const table = compute(node, tables, output, build);
  return index === undefined ? { table } : { table, index };
}

function sameIndex(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [x, y] = [constantData(a), constantData(b)];
  return x.length === y.length && x.every((element, i) => element === y[i]);
}

/** A node that must run on all rows takes a repeated row as the one row it is, where another operand gives the shape. */
function reduced(node: Node, output: Value, repeated: ReadonlyMap<Value, Repeated>): Node {
  if (!POINTWISE.has(node.op) || node.op === 'Select') return node;
  const rows = output.shape[0];
  const gives = node.inputs.some(
    (value) =>
      value.shape[0] === rows && value.shape.length === output.shape.length && !isRow(value, repeated),
  );
  if (!gives) return node;
  return {
    ...node,
    inputs: node.inputs.map((value) =>
      isRow(value, repeated) ? (repeated.get(value)?.table ?? value) : value,
    ),
  };
}

const isRow = (value: Value, repeated: ReadonlyMap<Value, Repeated>): boolean => {
  const own = repeated.get(value);
  return own !== undefined && own.index === undefined;
};

/**
 * A sum over rows, by constant segments or of all, of a product with something that repeats: the sum is taken of the
 * other factor, which is smaller where the product broadcast it.
 */
function sunkSum(
  node: Node,
  repeated: ReadonlyMap<Value, Repeated>,
  producers: ReadonlyMap<Value, Node>,
  build: Builder,
): Value | undefined {
  const sums =
    node.op === 'UnsortedSegmentSum' ? segments(node) : node.op === 'Sum' ? allRows(node) : undefined;
  if (sums === undefined) return undefined;
  const sum = sumOfProducts(at(node.inputs, 0), sums, repeated, producers, build);
  return sum && build.reshape(sum, at(node.outputs, 0).shape);
}

/** The sum of products with repeated rows, or of sums of such products. */
function sumOfProducts(
  x: Value,
  sums: RowSum,
  repeated: ReadonlyMap<Value, Repeated>,
  producers: ReadonlyMap<Value, Node>,
  build: Builder,
): Value | undefined {
  const node = producerThroughReshapes(x, producers);
  if (node === undefined) return undefined;
  const { shape } = at(node.outputs, 0);
  const flat = (value: Value) => build.reshape(value, [sums.count, sizeOf(shape.slice(1))]);
  if (node.op === 'Add' && node.inputs.every((input) => sameShape(input.shape, shape))) {
    const parts = node.inputs.map((input) => sumOfProducts(input, sums, repeated, producers, build));
    if (parts.some((part) => part === undefined)) return undefined;
    const [a, b] = parts.map((part) => flat(part as Value)) as [Value, Value];
    return build.node('Add', [a, b], {}, a.shape);
  }
  if (node.op !== 'Multiply') return undefined;
  for (const [u, v] of [node.inputs, [...node.inputs].reverse()] as [Value, Value][]) {
    const smaller =
      u.shape.length === shape.length && u.shape[0] === shape[0] && sizeOf(u.shape) * 2 <= sizeOf(shape);
    if (!smaller) continue;
    const own = repeated.get(v);
    const isOneRow =
      own === undefined ? v.shape.length > 0 && isShared(v, shape.length) : own.index === undefined;
    if (isOneRow) return flat(multiplied(sums.of(u, build), own?.table ?? v, shape, build));
    if (own?.index === undefined || sums.count !== 1) continue;
    const bySegment = segmentSum(u, own.index, at(own.table.shape, 0), build);
    const products = multiplied(bySegment, own.table, shape, build);
    return flat(build.node('Sum', [products], { axis: [0], keepDims: false }, shape.slice(1)));
  }
  return undefined;
}

/** What computes a value but for reshapes that keep its rows. */
function producerThroughReshapes(value: Value, producers: ReadonlyMap<Value, Node>): Node | undefined {
  let node = producers.get(value);
  while (node?.op === 'Reshape' && at(node.inputs, 0).shape[0] === at(node.outputs, 0).shape[0]) {
    node = producers.get(at(node.inputs, 0));
  }
  return node;
}

function multiplied(a: Value, b: Value, like: readonly number[], build: Builder): Value {
  return build.node('Multiply', [a, b], {}, [at(a.shape, 0), ...like.slice(1)]);
}

interface RowSum {
  /** Rows of the result. */
  readonly count: number;
  /** The same sum of another value, of the same number of rows: [count, …]. */
  of(value: Value, build: Builder): Value;
}

function segments({ inputs, attrs }: Node): RowSum | undefined {
  const ids = at(inputs, 1);
  if (at(inputs, 0).dtype !== 'float32') return undefined;
  if (ids.constant === undefined || ids.shape.length !== 1) return undefined;
  const count = attrs.numSegments as number;
  return { count, of: (value, build) => segmentSum(value, ids, count, build) };
}

function segmentSum(value: Value, ids: Value, count: number, build: Builder): Value {
  return build.node('UnsortedSegmentSum', [value, ids], { numSegments: count }, [
    count,
    ...value.shape.slice(1),
  ]);
}

function allRows({ inputs, attrs }: Node): RowSum | undefined {
  const x = at(inputs, 0);
  const axes = normalizeAxes(attrs.axis, x.shape.length);
  if (axes.length !== 1 || axes[0] !== 0 || x.dtype !== 'float32') return undefined;
  return {
    count: 1,
    of: (value, build) =>
      build.node('Sum', [value], { axis: [0], keepDims: true }, [1, ...value.shape.slice(1)]),
  };
}
