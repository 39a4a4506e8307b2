/**
 * @file The generator of `generator.ts` as ONNX operators over uint32, bit for bit. Tables have a leading axis of keys,
 * for steps that run for many instances at once: seed and step are scalars or vectors of the same length.
 */
import { sizeOf } from '../host';
import type { Operand } from '../kernels/rule';
import type { Emitter, Name } from '../onnx/emitter';
import { ELEMENT_TYPE } from '../onnx/proto';
import { COLUMNS, LANE_COUNT, LAST_SQUARE, SCRAMBLE_ROUNDS, SWAP } from './generator';

/** A tensor, or a number that becomes a constant. */
type Term = Name | number;

/** Writers of arithmetic modulo 2³². */
export interface WordWriter {
  readonly add: (a: Term, b: Term) => Name;
  readonly mul: (a: Term, b: Term) => Name;
  readonly less: (a: Term, b: Term) => Name;
  /** Bits from `bits` upwards, moved to the lower end. */
  readonly upper: (x: Name, bits: number) => Name;
  /** As another type of the step's. */
  readonly to: (x: Name, type: 'float32' | 'int32') => Name;
}

export function wordWriter(emit: Emitter): WordWriter {
  const name = (term: Term) =>
    typeof term === 'number' ? emit.constant('uint32', [], Uint32Array.of(term)) : term;
  const two = (opType: string) => (a: Term, b: Term) => emit.node(opType, [name(a), name(b)]);
  return {
    add: two('Add'),
    mul: two('Mul'),
    less: two('Less'),
    // On the CPU a shift takes a third of a division's time; the GPU providers have no shift.
    upper: (x, bits) =>
      emit.target.device === 'cpu'
        ? emit.node('BitShift', [x, name(bits)], { direction: 'RIGHT' })
        : emit.node('Div', [x, name(2 ** bits)]),
    to: (x, type) => emit.node('Cast', [x], { to: emit.elementType(type) }),
  };
}

/** Adds what is left of a Feistel round once the upper half `h` has become `product`. */
function closeRound({ add, mul }: WordWriter, x: Name, product: Name): Name {
  return add(mul(x, 2 ** 16), product);
}

const swapHalves = (w: WordWriter, x: Name) => closeRound(w, x, w.mul(w.upper(x, 16), SWAP));

function scramble(w: WordWriter, word: Name): Name {
  return SCRAMBLE_ROUNDS.reduce(
    (x, { square, linear }) => swapHalves(w, w.mul(x, w.add(w.mul(x, square), linear))),
    word,
  );
}

/** A key while a graph is lowered. */
export interface LoweredKey {
  /** int32, of shape [] or [keys]. */
  readonly seed: Operand;
  readonly step: Operand;
  /** `purposeLanes` of its purpose. */
  readonly lanes: Int32Array;
}

/** How many keys there are side by side. */
export function keyCount({ seed, step }: Pick<LoweredKey, 'seed' | 'step'>): number {
  return Math.max(sizeOf(seed.shape), sizeOf(step.shape));
}

/** Extents along the axes of a table of words. */
interface Extent {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The table of words, uint32 [keys, rows, columns]: `columns` is at most 1,024, and less only where there is one row.
 */
export function lowerWords(emit: Emitter, key: LoweredKey, { rows, columns }: Extent): Name {
  const w = wordWriter(emit);
  const column = ({ name, shape }: Operand) => emit.reshape(asWords(emit, name), [sizeOf(shape), 1]);
  const lanes = emit.constant('uint32', [1, LANE_COUNT], Uint32Array.from(key.lanes));
  const seeded = scramble(w, w.add(lanes, column(key.seed)));
  const keys = scramble(w, w.add(seeded, column(key.step))); // [keys, lanes]

  const longest = Math.max(rows, columns);
  const counter = emit.constant(
    'uint32',
    [longest],
    Uint32Array.from({ length: longest }, (_, i) => i),
  );
  const deep = emit.reshape(keys, [keyCount(key), LANE_COUNT, 1]);
  const scrambled = scramble(w, w.add(deep, counter)); // [keys, lanes, longest]
  const [rowSum, rowFactor, columnSum, columnFactor] = emit.multi(
    'Split',
    [scrambled, emit.integers(Array.from({ length: LANE_COUNT }, () => 1))],
    LANE_COUNT,
    { axis: 1 },
  ) as [Name, Name, Name, Name];
  const first = (lane: Name, length: number) => leading(emit, lane, 2, [length, longest - length]);
  const ofRows = (lane: Name) => emit.reshape(first(lane, rows), [keyCount(key), rows, 1]);
  const ofColumns = (lane: Name) => first(lane, columns);
  const odd = (x: Name) => w.add(w.mul(x, 2), 1);

  const sum = w.add(ofRows(rowSum), ofColumns(columnSum)); // [keys, rows, columns]
  const x = swapHalves(w, w.mul(sum, odd(ofRows(rowFactor))));
  const h = w.upper(x, 16);
  return closeRound(w, x, w.mul(h, w.add(w.mul(h, LAST_SQUARE), odd(ofColumns(columnFactor)))));
}

/** The first `count` words, uint32 [keys, count]. */
export function lowerWordList(emit: Emitter, key: LoweredKey, count: number): Name {
  const columns = Math.min(COLUMNS, count);
  const rows = Math.ceil(count / columns);
  return flatten(emit, lowerWords(emit, key, { rows, columns }), keyCount(key), { rows, columns, count });
}

/** The first `count` elements of each key's table, [keys, count]. */
export function flatten(
  emit: Emitter,
  table: Name,
  keys: number,
  { rows, columns, count }: Extent & { readonly count: number },
): Name {
  const all = emit.reshape(table, [keys, rows * columns]);
  return leading(emit, all, 1, [count, rows * columns - count]);
}

/** The first part of two along an axis. By Split: the WebGPU provider leaves Slice of integers to the CPU. */
function leading(emit: Emitter, x: Name, axis: number, parts: readonly [number, number]): Name {
  if (parts[1] === 0) return x;
  return emit.multi('Split', [x, emit.integers(parts)], 2, { axis })[0] as Name;
}

/** int32 taken as uint32 of the same bits. */
function asWords(emit: Emitter, x: Name): Name {
  return emit.node('Cast', [x], { to: ELEMENT_TYPE.uint32 });
}
