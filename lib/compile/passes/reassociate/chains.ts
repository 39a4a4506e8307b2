/**
 * @file Matrices written as sums of chains: X·W + M·A·B. A chain is a sequence of factors, each a matrix or its
 * transpose. Two kinds of factors exist only here: a column of ones, for what is added to every row, and a selection,
 * for rows looked up by constant indices.
 */
import { makeValue, type Value } from '../../graph';
import { at } from '../../kernels/rule';

/** A two-dimensional value, perhaps transposed. */
export interface Factor {
  readonly value: Value;
  readonly transposed: boolean;
}

/** Factors multiplied from left to right; at least one. */
export type Chain = readonly Factor[];

/** A column of ones that stands for repeating a row, or its transpose for adding rows up; not one of the graph's own. */
interface Ones extends Value {
  readonly repeats: true;
}

/** The matrix that has a one in each row, at the row's index: S·X looks up rows of X, Sᵀ·X sums rows by index. */
export interface Selection extends Value {
  /** [rows], int32, constant. */
  readonly indices: Value;
}

export const shapeOf = ({ value, transposed }: Factor): readonly [number, number] => {
  const [rows, columns] = [at(value.shape, 0), at(value.shape, 1)];
  return transposed ? [columns, rows] : [rows, columns];
};

export const chainShape = (chain: Chain): readonly [number, number] => [
  shapeOf(at(chain, 0))[0],
  shapeOf(at(chain, chain.length - 1))[1],
];

/** (A·B)ᵀ = Bᵀ·Aᵀ */
export function transposeChain(chain: Chain): Chain {
  return [...chain].reverse().map(({ value, transposed }) => ({ value, transposed: !transposed }));
}

export function isOnes(value: Value): value is Ones {
  return 'repeats' in value;
}

export function isSelection(value: Value): value is Selection {
  return 'indices' in value;
}

/** Makes the factors that exist only in chains; equal ones are the same value. */
export class SpecialFactors {
  private readonly columns = new Map<number, Ones>();
  private readonly selections = new Map<string, Selection>();
  private readonly keys = new Map<Value, string>();

  ones(length: number): Factor {
    const known = this.columns.get(length) ?? { dtype: 'float32', shape: [length, 1], repeats: true };
    this.columns.set(length, known);
    return { value: known, transposed: false };
  }

  /**
   * The selection S of [rows, size]; for one and the same index throughout, ones times the selection of one row.
   * `undefined` where an index is not in [0, size).
   */
  selection(indices: Value, size: number, data: ArrayLike<number>): Chain | undefined {
    const list = Array.from(data);
    if (list.length === 0 || list.some((index) => index < 0 || index >= size)) return undefined;
    const [first] = list as [number];
    if (list.length > 1 && list.every((index) => index === first)) {
      const row = makeValue('int32', [1], { fill: first });
      return [this.ones(list.length), this.unique(row, [first], size)];
    }
    return [this.unique(indices, list, size)];
  }

  private unique(indices: Value, list: readonly number[], size: number): Factor {
    const key = this.keys.get(indices) ?? list.join();
    this.keys.set(indices, key);
    const name = `${size}:${key}`;
    const known = this.selections.get(name) ?? {
      dtype: 'float32',
      shape: [list.length, size],
      indices,
    };
    this.selections.set(name, known);
    return { value: known, transposed: false };
  }
}

/** Names chains, the same for a chain and its transpose. */
export class ChainNames {
  private readonly numbers = new Map<Value, number>();

  name(chain: Chain): { readonly key: string; readonly transposed: boolean } {
    const [forward, backward] = [this.ordered(chain), this.ordered(transposeChain(chain))];
    return forward <= backward ? { key: forward, transposed: false } : { key: backward, transposed: true };
  }

  /** Names a chain as it stands. */
  ordered(chain: Chain): string {
    return chain.map(({ value, transposed }) => `${this.number(value)}${transposed ? "'" : ''}`).join('·');
  }

  private number(value: Value): number {
    const known = this.numbers.get(value) ?? this.numbers.size;
    this.numbers.set(value, known);
    return known;
  }
}
