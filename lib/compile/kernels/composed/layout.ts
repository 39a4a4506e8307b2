/** @file Kernels that rearrange elements, said in reshapes, transposes and gathers. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { sizeOf } from '../../host';
import { normalizeAxes } from '../rule';
import { type Compositions, type Inputs, input, refusedCall } from './composition';

/** Indices into an axis, one for each place along the result's. */
function indexAlong(size: number, source: (place: number) => number): tf.Tensor1D {
  return tf.tensor1d(
    Int32Array.from({ length: size }, (_, place) => source(place)),
    'int32',
  );
}

/** The place that a mirror shows: `reflect` leaves out the edge itself, `symmetric` repeats it. */
function mirrored(place: number, size: number, offset: number): number {
  if (place < 0) return -place - 1 + offset;
  return place < size ? place : 2 * size - 1 - offset - place;
}

function mirrorPad(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const { paddings, mode } = attrs as { paddings: [number, number][]; mode: 'reflect' | 'symmetric' };
  const offset = mode === 'reflect' ? 1 : 0;
  return paddings.reduce((padded, [before, after], axis) => {
    const size = x.shape[axis] as number;
    if (before === 0 && after === 0) return padded;
    const source = indexAlong(before + size + after, (place) => mirrored(place - before, size, offset));
    return tf.gather(padded, source, axis);
  }, x);
}

function reverse(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const axes = normalizeAxes(attrs.dims, x.rank);
  const all = 2 ** x.rank - 1;
  const ends = x.shape.map(() => 0);
  const strides = x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1));
  return x.rank === 0 ? x : tf.stridedSlice(x, ends, ends, strides, all, all);
}

function spaceToBatch(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const { blockShape, paddings } = attrs as { blockShape: number[]; paddings: [number, number][] };
  const rest = x.rank - 1 - blockShape.length;
  const padded = tf.pad(x, [[0, 0], ...paddings, ...Array.from({ length: rest }, (): [0, 0] => [0, 0])]);
  const count = sizeOf(blockShape);
  const cut = tf.backend_util.getReshaped(padded.shape, blockShape, count, false);
  const order = tf.backend_util.getPermuted(cut.length, blockShape.length, false);
  const shape = tf.backend_util.getReshapedPermuted(padded.shape, blockShape, count, false);
  return tf.reshape(tf.transpose(tf.reshape(padded, cut), order), shape);
}

function batchToSpace(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const { blockShape, crops } = attrs as { blockShape: number[]; crops: number[][] };
  const count = sizeOf(blockShape);
  const cut = tf.backend_util.getReshaped(x.shape, blockShape, count);
  const order = tf.backend_util.getPermuted(cut.length, blockShape.length);
  const shape = tf.backend_util.getReshapedPermuted(x.shape, blockShape, count);
  const begin = tf.backend_util.getSliceBeginCoords(crops, blockShape.length);
  const size = tf.backend_util.getSliceSize(shape, crops, blockShape.length);
  return tf.slice(tf.reshape(tf.transpose(tf.reshape(x, cut), order), shape), begin, size);
}

function depthToSpace(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const { blockSize, dataFormat } = attrs as { blockSize: number; dataFormat: string };
  if (dataFormat !== 'NHWC') throw refusedCall('DepthToSpace', inputs, 'it takes NHWC only');
  const x = input(inputs, 'x');
  const [batch, height, width, depth] = x.shape as [number, number, number, number];
  const channels = depth / blockSize ** 2;
  const blocks = tf.reshape(x, [batch, height, width, blockSize, blockSize, channels]);
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [
    batch,
    height * blockSize,
    width * blockSize,
    channels,
  ]);
}

/** The elements of x on the diagonal of a matrix, [size, size]: 0 elsewhere whatever x holds. */
function diagonal(inputs: Inputs): tf.Tensor {
  const x = input(inputs, 'x');
  const column = tf.reshape(x, [x.size, 1]);
  const places = tf.range(0, x.size, 1, 'int32');
  const onDiagonal = tf.equal(tf.reshape(places, [x.size, 1]), places);
  const zeros = tf.zeros([x.size, x.size], x.dtype);
  return tf.reshape(tf.where(onDiagonal, tf.broadcastTo(column, zeros.shape), zeros), [
    ...x.shape,
    ...x.shape,
  ]);
}

export const layouts: Compositions = {
  BatchToSpaceND: batchToSpace,
  DepthToSpace: depthToSpace,
  Diag: diagonal,
  MirrorPad: mirrorPad,
  Reverse: reverse,
  SpaceToBatchND: spaceToBatch,
};
