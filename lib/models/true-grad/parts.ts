/** @file A parameter's numbers from those of the parts that its uses are of. */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../../errors';
import type { PartPlaces } from './record';

/**
 * Puts what is formed of the parts in their places; rows that no use with influence is of are 0.
 *
 * @param shape of the parameter
 * @param formed gives a part's numbers, of the part's shape
 * @throws {ArgumentError} for parts that overlap or go beyond the parameter, and numbers of another shape
 */
export function assembled(
  name: string,
  shape: readonly number[],
  parts: readonly PartPlaces[],
  formed: (part: PartPlaces, shape: readonly number[]) => tf.Tensor,
): tf.Tensor {
  const rows = shape[0] ?? 1;
  const inOrder = parts.filter(({ places }) => places.length > 0).sort((a, b) => a.part[0] - b.part[0]);
  const pieces: tf.Tensor[] = [];
  let filled = 0;
  const fillTo = (row: number) => {
    if (row > filled) pieces.push(tf.zeros([row - filled, ...shape.slice(1)]));
  };
  for (const each of inOrder) {
    const [start, count] = each.part;
    if (start < filled || start + count > rows) {
      throw new ArgumentError(
        `rows ${start} to ${start + count - 1} of ${name}, [${shape}], overlap with another part or go beyond it; expected parts that are equal or apart`,
      );
    }
    fillTo(start);
    const partShape = count === rows ? shape : [count, ...shape.slice(1)];
    const piece = formed(each, partShape);
    if (piece.shape.join() !== partShape.join()) {
      throw new ArgumentError(
        `the uses of ${name} give squares of shape [${piece.shape}]; expected [${partShape}], so check what is marked and its option transposed`,
      );
    }
    pieces.push(piece);
    filled = start + count;
  }
  if (pieces.length === 0) return tf.zeros([...shape]);
  fillTo(rows);
  return pieces.length === 1 ? (pieces[0] as tf.Tensor) : tf.concat(pieces, 0);
}
