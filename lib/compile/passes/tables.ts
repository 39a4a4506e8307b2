/**
 * @file Computes once for each row of a table what is computed for every row looked up in it, and sums by index before
 * multiplying by what all rows have in common. f(gather(T, i)) becomes gather(f(T), i) where T is the smaller, and
 * Σ u·gather(T, i) becomes Σ segmentSum(u, i)·T. Sums are added in another order.
 *
 * Numbers that are not finite: rows that nothing looks up have no part in a result, and empty segments stay 0, whatever
 * the rows hold. An element that was not finite stays so, but NaN and ±Infinity may change into each other where
 * factors of one row are added first (1·∞ − 1·∞ is NaN, (1 − 1)·∞ too, but 1·∞ + 0·∞ is NaN and (1 + 0)·∞ is not). For
 * the same reason a sum near the largest float32 may overflow, or no longer do.
 */
import { constantData, constantOf, fillOf, type Graph, makeValue, type Node, type Value } from '../graph';
import { sizeOf } from '../host';
import { at, normalizeAxes, sameShape } from '../kernels/rule';
import { Builder } from './builder';
import { POINTWISE } from './pointwise';
import { rewriteGraph } from './rewrite';
import { BROADCAST } from './simplify';

/** A value whose rows, those of its first axis, repeat: those of `table` by `index`, or the only row of `table` throughout. */
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
  const [x] = node.inputs;
  const source = x && repeated.get(x);
  if (node.op === 'Reshape' || node.op === 'ExpandDims') {
    if (source === undefined || x?.shape[0] !== rows) return undefined;
    return {
      ...source,
      table: build.reshape(source.table, [at(source.table.shape, 0), ...output.shape.slice(1)]),
    };
  }
  if (node.op === 'Sum' || node.op === 'Max') {
    const name = node.op === 'Max' ? 'reductionIndices' : 'axis';
    if (source === undefined || x === undefined) return undefined;
    if (normalizeAxes(node.attrs[name], x.shape.length).includes(0)) return undefined;
    return {
      ...source,
      table: compute(node, [source.table], at(source.table.shape, 0), output, build),
    };
  }
  return POINTWISE.has(node.op) ? pointwise(node, output, repeated, build) : undefined;
}

/** Runs a node's kernel on tables of `rows` rows or one. */
function compute(node: Node, inputs: readonly Value[], rows: number, output: Value, build: Builder): Value {
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
  const size = at(x.shape, 0);
  // Looked up by an index that is not there, a table would be computed without a word.
  if (constantData(index).some((row) => row < 0 || row >= size)) return undefined;
  const only = fillOf(index);
  if (only !== undefined) {
    const one = makeValue('int32', [1], { fill: only });
    return { table: build.node('GatherV2', [x, one], attrs, [1, ...x.shape.slice(1)], x.dtype) };
  }
  return size <= LARGEST_TABLE * rows ? { table: x, index } : undefined;
}

function broadcastRow({ inputs }: Node, output: Value): Repeated | undefined {
  const x = at(inputs, 0);
  const same = sameShape(x.shape.slice(1), output.shape.slice(1));
  return x.shape[0] === 1 && x.shape.length === output.shape.length && same ? { table: x } : undefined;
}

/** How the rows of an operand repeat in a result of this rank; the first axis of one of lower rank is another one there. */
const repeatedRows = (
  value: Value,
  rank: number,
  repeated: ReadonlyMap<Value, Repeated>,
): Repeated | undefined => (value.shape.length === rank ? repeated.get(value) : undefined);

/** An operand that is the same for all rows: of lower rank, or with one row. */
const isShared = (value: Value, rank: number): boolean => value.shape.length < rank || value.shape[0] === 1;

function pointwise(
  node: Node,
  output: Value,
  repeated: ReadonlyMap<Value, Repeated>,
  build: Builder,
): Repeated | undefined {
  const rank = output.shape.length;
  const own = node.inputs.map((value) => repeatedRows(value, rank, repeated));
  if (!node.inputs.every((value, i) => own[i] !== undefined || isShared(value, rank))) return undefined;
  const [first, ...others] = own.filter((operand) => operand?.index !== undefined) as Required<Repeated>[];
  const tables = node.inputs.map((value, i) => own[i]?.table ?? value);
  if (first === undefined) {
    // Where nothing is looked up, everything is one row.
    return own.some((operand) => operand !== undefined)
      ? { table: compute(node, tables, 1, output, build) }
      : undefined;
  }
  const [rows] = first.table.shape;
  const fits = ({ table, index }: Required<Repeated>) =>
    table.shape[0] === rows && sameIndex(index, first.index);
  if (!others.every(fits)) return undefined;
  return { table: compute(node, tables, rows as number, output, build), index: first.index };
}

function sameIndex(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [x, y] = [constantData(a), constantData(b)];
  return x.length === y.length && x.every((element, i) => element === y[i]);
}

/** A node that must run on all rows takes a repeated row as the one row it is, where another operand gives the shape. */
function reduced(node: Node, output: Value, repeated: ReadonlyMap<Value, Repeated>): Node {
  if (!POINTWISE.has(node.op) || node.op === 'Select') return node;
  const rank = output.shape.length;
  /** The one row of an operand that repeats it. */
  const rowOf = (value: Value): Value | undefined => {
    const own = repeatedRows(value, rank, repeated);
    return own?.index === undefined ? own?.table : undefined;
  };
  const gives = node.inputs.some(
    (value) =>
      value.shape[0] === output.shape[0] && value.shape.length === rank && rowOf(value) === undefined,
  );
  return gives ? { ...node, inputs: node.inputs.map((value) => rowOf(value) ?? value) } : node;
}

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
    const own = repeatedRows(v, shape.length, repeated);
    const isOneRow =
      own === undefined ? v.shape.length > 0 && isShared(v, shape.length) : own.index === undefined;
    if (isOneRow) {
      const products = multiplied(sums.of(u, build), own?.table ?? v, shape, build);
      return flat(sums.spread(products, build));
    }
    if (own?.index === undefined || !sums.isOfAll) continue;
    const { table, index } = usedRows(own.table, own.index, build);
    const bySegment = segmentSum(u, index, at(table.shape, 0), build);
    const products = multiplied(bySegment, table, shape, build);
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
  /** Whether it is one sum of all rows. */
  readonly isOfAll: boolean;
  /** The same sum of another value, of the same number of rows, without what sums nothing: [at most count, …]. */
  of(value: Value, build: Builder): Value;
  /** Zeros put where nothing was summed: [count, …]. */
  spread(sums: Value, build: Builder): Value;
}

function segments({ inputs, attrs }: Node): RowSum | undefined {
  const ids = at(inputs, 1);
  if (at(inputs, 0).dtype !== 'float32') return undefined;
  if (ids.constant === undefined || ids.shape.length !== 1) return undefined;
  const count = attrs.numSegments as number;
  const isOfAll = count === 1 && constantData(ids).every((id) => id === 0);
  const used = inUse(ids, count);
  // A product of an empty segment's 0 would be NaN where the other factor is not finite.
  return {
    count,
    isOfAll,
    of: (value, build) =>
      segmentSum(value, used?.places ?? ids, used === undefined ? count : at(used.rows.shape, 0), build),
    spread: (sums, build) => (used === undefined ? sums : amongZeros(sums, used.rows, count, build)),
  };
}

/** The rows that an index names, ascending, and its entries as places among them; `undefined` where it names them all. */
function inUse(index: Value, size: number): { readonly rows: Value; readonly places: Value } | undefined {
  const entries = Array.from(constantData(index));
  const rows = [...new Set(entries)].filter((row) => row >= 0 && row < size).sort((a, b) => a - b);
  if (rows.length === size) return undefined;
  const placeOf = new Map(rows.map((row, place) => [row, place]));
  const constant = (data: number[]) => makeValue('int32', [data.length], constantOf(Int32Array.from(data)));
  // As in `index`, what is outside belongs nowhere.
  return { rows: constant(rows), places: constant(entries.map((row) => placeOf.get(row) ?? -1)) };
}

/** Rows put at their places among `count`, with zeros elsewhere: not sums, as those of a narrow value by segments spread NaN. */
function amongZeros(value: Value, places: Value, count: number, build: Builder): Value {
  const rows = at(value.shape, 0);
  const inner = value.shape.slice(1);
  const zeros = makeValue('float32', [1, ...inner], { fill: 0 });
  const extended = build.node('Concat', [value, zeros], { axis: 0 }, [rows + 1, ...inner]);
  const sources = new Int32Array(count).fill(rows);
  for (const [row, place] of Array.from(constantData(places)).entries()) sources[place] = row;
  const index = makeValue('int32', [count], constantOf(sources));
  return build.node('GatherV2', [extended, index], { axis: 0, batchDims: 0 }, [count, ...inner]);
}

/** A table without the rows that are never looked up: times 0 they would be NaN where they are not finite. */
function usedRows(table: Value, index: Value, build: Builder): Required<Repeated> {
  const used = inUse(index, at(table.shape, 0));
  if (used === undefined) return { table, index };
  const shape = [at(used.rows.shape, 0), ...table.shape.slice(1)];
  const attrs = { axis: 0, batchDims: 0 };
  return { table: build.node('GatherV2', [table, used.rows], attrs, shape), index: used.places };
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
    isOfAll: true,
    of: (value, build) =>
      build.node('Sum', [value], { axis: [0], keepDims: true }, [1, ...value.shape.slice(1)]),
    spread: (sums) => sums,
  };
}
