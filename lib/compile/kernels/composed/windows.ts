/**
 * @file The windows that a convolution or pooling looks through, as rows taken from the image by a table of pixel
 * numbers (im2col), and the sum back into the image that is its gradient. One table serves all strides, paddings and
 * dilations; both directions are gathers, so sums come out the same whatever the number of threads.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Where the windows lie: what tfjs computes of a call's strides, padding and dilations. */
export type Geometry = Pick<
  tf.backend_util.Conv2DInfo,
  | 'inHeight'
  | 'inWidth'
  | 'outHeight'
  | 'outWidth'
  | 'filterHeight'
  | 'filterWidth'
  | 'strideHeight'
  | 'strideWidth'
  | 'dilationHeight'
  | 'dilationWidth'
  | 'padInfo'
>;

/**
 * Pixel numbers of every window, window after window, row by row: `outHeight·outWidth·filterHeight·filterWidth` of them;
 * `inHeight·inWidth` where a window reaches into the padding.
 */
export function windowTable(geometry: Geometry): Int32Array {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth } = geometry;
  const table = new Int32Array(outHeight * outWidth * filterHeight * filterWidth);
  let place = 0;
  for (let top = 0; top < outHeight; top++) {
    for (let left = 0; left < outWidth; left++) {
      for (let i = 0; i < filterHeight; i++) {
        const row = top * geometry.strideHeight + i * geometry.dilationHeight - geometry.padInfo.top;
        for (let j = 0; j < filterWidth; j++) {
          const column = left * geometry.strideWidth + j * geometry.dilationWidth - geometry.padInfo.left;
          const inside = row >= 0 && row < inHeight && column >= 0 && column < inWidth;
          table[place++] = inside ? row * inWidth + column : inHeight * inWidth;
        }
      }
    }
  }
  return table;
}

/**
 * For each pixel the places of the table that show it: the first place of every pixel, then the second of every one, and so on
 * for as many as any has; a pixel that has fewer gets the table's length.
 */
export function pixelTable(windows: Int32Array, pixels: number): { places: Int32Array; width: number } {
  const counts = new Int32Array(pixels);
  for (const pixel of windows) if (pixel < pixels) counts[pixel] = (counts[pixel] as number) + 1;
  const width = counts.reduce((most, count) => Math.max(most, count), 0);
  const places = new Int32Array(pixels * width).fill(windows.length);
  counts.fill(0);
  for (const [place, pixel] of windows.entries()) {
    if (pixel >= pixels) continue;
    const used = counts[pixel] as number;
    places[used * pixels + pixel] = place;
    counts[pixel] = used + 1;
  }
  return { places, width };
}

/** Takes places along the middle axis of `[batch, size, channels]`; the place after the last is filled with a number. */
function takePlaces(x: tf.Tensor3D, places: Int32Array, fill: number): tf.Tensor3D {
  const [batch, size, channels] = x.shape;
  if (places.length === size && places.every((place, i) => place === i)) return x;
  const beyond = places.includes(size);
  const index = tf.tensor1d(places, 'int32');
  if (channels === 1) {
    // Rows of all images' numbers for a place, because single numbers take as long to copy each.
    const columns = tf.transpose(tf.reshape(x, [batch, size]));
    const source = beyond ? tf.concat([columns, tf.fill([1, batch], fill)], 0) : columns;
    return tf.reshape(tf.transpose(tf.gather(source, index)), [batch, places.length, 1]);
  }
  const source = beyond ? tf.concat([x, tf.fill([batch, 1, channels], fill)], 1) : x;
  return tf.gather(source, index, 1) as tf.Tensor3D;
}

/**
 * What each window shows: `[batch, windows, filterHeight·filterWidth, channels]` of an image `[batch, height, width,
 * channels]`.
 * @param padding What windows show beyond the edge.
 */
export function windowsOf(x: tf.Tensor4D, geometry: Geometry, padding: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const { outHeight, outWidth, filterHeight, filterWidth } = geometry;
  const shown = takePlaces(tf.reshape(x, [batch, height * width, channels]), windowTable(geometry), padding);
  return tf.reshape(shown, [batch, outHeight * outWidth, filterHeight * filterWidth, channels]);
}

/** The transpose of `windowsOf`: adds up at each pixel what the windows hold of it. */
export function sumOfWindows(windows: tf.Tensor4D, geometry: Geometry): tf.Tensor4D {
  const [batch, count, size, channels] = windows.shape;
  const { inHeight, inWidth } = geometry;
  const { places, width } = pixelTable(windowTable(geometry), inHeight * inWidth);
  const shape = [batch, inHeight, inWidth, channels] as [number, number, number, number];
  if (width === 0) return tf.zeros(shape);
  const taken = takePlaces(tf.reshape(windows, [batch, count * size, channels]), places, 0);
  if (width === 1) return tf.reshape(taken, shape);
  // All pixels at once for each of their places: a sum over a short axis with only the channels behind it takes thrice as long.
  return tf.reshape(tf.sum(tf.reshape(taken, [batch, width, inHeight * inWidth, channels]), 1), shape);
}
