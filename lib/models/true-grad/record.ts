/**
 * @file Records the uses that a forward pass marks, and the gradients that arrive there. Each mark is the identity with a
 * gradient of its own, which looks at what passes; in a compiled step nothing is left of it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../../errors';
import type { Rows } from '../rows';
import type { Kind, Places } from './places';
import type { PartUseOptions, Uses } from './uses';

/** A place whose gradient is still to come. */
type Pending<K extends Kind> = Omit<Places[K], 'dy'>;

/** The places of one kind that use the same part of a parameter. */
export type PartPlaces = {
  [K in Kind]: { readonly kind: K; readonly part?: readonly [number, number]; readonly places: Places[K][] };
}[Kind];

/** What a forward and backward pass left behind. */
export interface Recording {
  readonly uses: Uses;
  /** By the parameters' names; no parts for one said to be unused. Places without influence on the loss are left out. */
  readonly records: ReadonlyMap<string, readonly PartPlaces[]>;
  /** Frees the tensors of the records. */
  dispose(): void;
}

/** Begins a recording. @param examples First axis of everything that is marked. */
export function recordUses(examples: number): Recording {
  const records = new Map<string, PartPlaces[]>();
  // Run eagerly, tfjs frees what a forward and a backward pass leave behind.
  const held = new Map<tf.Tensor, tf.Tensor>();
  const hold = <T extends tf.Tensor>(x: T): T => {
    const known = held.get(x);
    if (known !== undefined) return known as T;
    const own = tf.keep(tf.clone(x));
    held.set(x, own);
    return own;
  };

  function partOf<K extends Kind>(name: string, kind: K, part: PartUseOptions['part']): Places[K][] {
    const parts = records.get(name) ?? [];
    records.set(name, parts);
    const other = parts.find((known) => known.kind !== kind);
    if (other !== undefined) {
      throw new ArgumentError(
        `parameter ${name} is marked as ${other.kind} and as ${kind}; a parameter has uses of one kind, so give one of the two a parameter of its own`,
      );
    }
    const same = parts.find((known) => String(known.part) === String(part));
    if (same !== undefined) return same.places as Places[K][];
    const places: Places[K][] = [];
    parts.push({ kind, places, ...(part && { part }) } as unknown as PartPlaces);
    return places;
  }

  function marked<K extends Kind, T extends tf.Tensor>(
    name: string,
    kind: K,
    y: T,
    place: Pending<K>,
    part?: PartUseOptions['part'],
  ): T {
    if (y.shape[0] !== examples) {
      throw new ArgumentError(
        `a use of ${name} has the shape [${y.shape}]; expected ${examples} examples along the first axis`,
      );
    }
    const places = partOf(name, kind, part);
    const identity = tf.customGrad((given) => ({
      value: tf.clone(given as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        places.push({ ...place, dy: hold(dy) } as unknown as Places[K]);
        return tf.clone(dy);
      },
    }));
    return identity(y) as T;
  }

  const heldRows = ({ values, index }: Rows): Rows => ({
    values: hold(values),
    ...(index && { index: hold(index) }),
  });

  const uses: Uses = {
    linear: (name, x, y, { transposed = false, factor, part } = {}) =>
      marked(
        name,
        'linear',
        y,
        {
          x: heldRows(x instanceof tf.Tensor ? { values: x } : x),
          transposed,
          ...(factor && { factor: hold(factor) }),
        },
        part,
      ),
    bias: (name, y, { part } = {}) => marked(name, 'bias', y, {}, part),
    gain: (name, x, y) => marked(name, 'gain', y, { x: hold(x) }),
    embedding: (name, index, y, { tokens } = {}) =>
      marked(name, 'embedding', y, {
        index: index instanceof Int32Array ? index : hold(index),
        ...(tokens && { tokens }),
      }),
    position: (name, row, y) => marked(name, 'position', y, { row }),
    conv2d: (name, x, y, { strides, pad }) => marked(name, 'conv2d', y, { x: hold(x), strides, pad }),
    unused: (name) => {
      if (!records.has(name)) records.set(name, []);
    },
  };
  return { uses, records, dispose: () => tf.dispose([...held.values()]) };
}
