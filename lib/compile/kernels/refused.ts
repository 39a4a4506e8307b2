/**
 * @file tfjs kernels that no compiled step can use, and why: the end of the error message, and a column of the table in the
 * documentation.
 */

const COMPLEX = 'complex numbers cannot be compiled; keep real and imaginary parts in two tensors';
const STRINGS = 'strings cannot be compiled; encode them as numbers before the step';
const DYNAMIC =
  'the shape of its result depends on values, which a compiled step does not know; use a mask of fixed shape, or run it eagerly';
const IMAGES = 'changes of images are not compiled; prepare the images before the step';
const VOLUMES = 'convolutions and pooling are compiled in two dimensions only';
const SPARSE = 'sparse tensors are not compiled; use gather, unsortedSegmentSum or a dense matrix';

/** The same reason for several kernels. */
const all = (kernels: string, reason: string) =>
  kernels.split(' ').map((kernel): [string, string] => [kernel, reason]);

/** The reason by kernel name. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ...all('Complex ComplexAbs FFT IFFT Imag Real', COMPLEX),
  ...all('StaticRegexReplace StringNGrams StringSplit StringToHashBucketFast', STRINGS),
  ...all(
    'NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RaggedGather RaggedRange RaggedTensorToTensor Unique',
    DYNAMIC,
  ),
  ...all(
    'CropAndResize Draw FlipLeftRight FromPixels ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad RotateWithOffset Transform',
    IMAGES,
  ),
  ...all(
    'AvgPool3D AvgPool3DGrad Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 MaxPool3D MaxPool3DGrad',
    VOLUMES,
  ),
  ...all('SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum SparseToDense', SPARSE),
  ...all(
    'Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput',
    'morphological dilation is not compiled; use maxPool, or run it eagerly',
  ),
  ...all('LRN LRNGrad', 'local response normalisation is not compiled; normalise with moments'),
  ['MaxPoolWithArgmax', 'places of pooled maxima are not compiled; use maxPool'],
  ['BroadcastArgs', 'it computes with shapes, which are known while tracing: use them as numbers'],
  [
    'Multinomial',
    'it draws from a state of its own, so that a step could not be repeated; use the random functions of this package',
  ],
]);

/** Kernels by name only, which tfjs never calls: it makes the operations of these names of others. */
export const NEVER_CALLED: ReadonlySet<string> = new Set([
  'LogSoftmax',
  'LogicalXor',
  'LowerBound',
  'MatrixBandPart',
  'Pool',
  'UpperBound',
]);
