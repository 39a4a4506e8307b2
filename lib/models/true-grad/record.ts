/**
 * @file Records the uses that a forward pass marks, and the gradients that arrive there. Each mark is the identity with a
 * gradient of its own, which looks at what passes; in a compiled step nothing is left of it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../../errors';
import { namedTensors, type Params, valueAndGrads } from '../params';
import type { Rows } from '../rows';
import type { Kind, Places } from './places';
import type { PartUseOptions, Uses } from './uses';

/** A place whose gradient is still to come. */
type Pending<K extends Kind> = Omit<Places[K], 'dy'>;

/** The places of one kind that use the same part of a parameter: first row and number of rows. */
export type PartPlaces = {
  [K in Kind]: { readonly kind: K; readonly part: readonly [number, number]; readonly places: Places[K][] };
}[Kind];

/** What a forward pass leaves behind; once the gradient has been taken, the places are filled in. */
interface Recording {
  readonly uses: Uses;
  /** By the parameters' names; no parts for one said to be unused. Places without influence on the loss are left out. */
  readonly records: ReadonlyMap<string, readonly PartPlaces[]>;
  /** Frees the tensors of the records. */
  dispose(): void;
}

/** A pass with all that its marks saw. */
export interface RecordedPass<P extends Params> {
  readonly value: tf.Scalar;
  readonly grads: P;
  readonly records: Recording['records'];
}

/**
 * Value and gradient of a loss, and what is made of its marks.
 *
 * @param examples First axis of everything that is marked.
 * @param then Given the pass, whose records are freed when it returns; value and gradient too, where it throws.
 */
export function withRecords<P extends Params, R>(
  f: (params: P, uses: Uses) => tf.Tensor,
  params: P,
  examples: number,
  then: (pass: RecordedPass<P>) => R,
): R {
  if (!Number.isSafeInteger(examples) || examples < 1) {
    throw new ArgumentError(`examples is ${examples}; expected the number of rows in the batch, 1 or more`);
  }
  const names = new Map(namedTensors(params).map(([name, { shape }]) => [name, shape]));
  const { uses, records, dispose } = recordUses(examples, names);
  try {
    const { value, grads } = valueAndGrads((given) => {
      const loss = f(given, uses);
      checkMarked([...names.keys()].filter((name) => !records.has(name)));
      return loss;
    }, params);
    try {
      checkReached(records);
      return then({ value, grads, records });
    } catch (error) {
      tf.dispose([value, ...namedTensors(grads).map(([, gradient]) => gradient)]);
      throw error;
    }
  } finally {
    dispose();
  }
}

function checkMarked(missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new ArgumentError(
    `no use of ${missing.join(', ')} is marked in the forward pass, so there are no squared gradients; mark each use, or call uses.unused(name) where there is none`,
  );
}

/** A mark whose result the pass does not go on with sees no gradient, and would count as a use without influence. */
function checkReached(records: Recording['records']): void {
  for (const [name, parts] of records) {
    if (parts.length === 0 || parts.some(({ places }) => places.length > 0)) continue;
    throw new ArgumentError(
      `no gradient arrived at any marked use of ${name}; go on with what uses.${parts[0]?.kind} returns, or call uses.unused('${name}') if the loss does not depend on it`,
    );
  }
}

/** @param shapes of the parameters by name */
function recordUses(examples: number, shapes: ReadonlyMap<string, readonly number[]>): Recording {
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

  function shapeOf(name: string): readonly number[] {
    const shape = shapes.get(name);
    if (shape !== undefined) return shape;
    throw new ArgumentError(
      `the forward pass marks a use of ${name}, which is not a parameter; expected one of ${[...shapes.keys()].join(', ')}`,
    );
  }

  function placesOf<K extends Kind>(
    name: string,
    kind: K,
    part: readonly [number, number] = [0, shapeOf(name)[0] ?? 1],
  ): Places[K][] {
    shapeOf(name);
    const parts = records.get(name) ?? [];
    if (records.has(name) && parts.length === 0) throw bothUsedAndUnused(name);
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
    parts.push({ kind, places, part } as unknown as PartPlaces);
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
    const places = placesOf(name, kind, part);
    let hasArrived = false;
    const identity = tf.customGrad((given) => ({
      value: tf.clone(given as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        if (hasArrived) {
          throw new ArgumentError(
            `a second gradient arrived at one use of ${name}; take the gradient of the loss once in a pass, and mark each use by itself`,
          );
        }
        hasArrived = true;
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
      shapeOf(name);
      if (records.get(name)?.length) throw bothUsedAndUnused(name);
      records.set(name, []);
    },
  };
  return { uses, records, dispose: () => tf.dispose([...held.values()]) };
}

const bothUsedAndUnused = (name: string) =>
  new ArgumentError(
    `parameter ${name} is both marked and said to be unused; leave out uses.unused('${name}') where the result depends on it`,
  );
