/** @file Kernels that sort, search and count. */

import { makeData } from '../graph';
import { sizeOf } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import { NUMBERS } from './pointwise';
import { at, checkShapes, type KernelRule, type KernelRules, type Operand, sameShape } from './rule';

/** The k largest along the last axis with their places, the lower place first among equals. */
const topK: KernelRule = {
  inputs: ['x'],
  types: NUMBERS,
  infer: ([x], attrs) => {
    const shape = [...x.shape.slice(0, -1), attrs.k as number];
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int32', shape },
    ];
  },
  lower: (emit, inputs, { attrs, outputs }) => {
    const { dtype, shape } = at(outputs, 0);
    // Of no rows at all ONNX Runtime divides by their number, which ends the process.
    if (sizeOf(shape) === 0) {
      return [
        emit.constant(dtype, shape, makeData(dtype, 0)),
        emit.constant('int32', shape, new Int32Array(0)),
      ];
    }
    const k = emit.integers([attrs.k as number]);
    const [values, places] = emit.multi('TopK', [at(inputs, 0).name, k], 2, { axis: -1 }) as [Name, Name];
    return [values, emit.node('Cast', [places], { to: emit.elementType('int32') })];
  },
};

/** For each value, how many numbers of its sorted row are below it, or not above it. */
const searchSorted: KernelRule = {
  inputs: ['sortedSequence', 'values'],
  types: NUMBERS,
  infer: ([sorted, values]) => {
    checkShapes(sorted.shape[0] === values.shape[0], 'they differ in their number of rows');
    return { dtype: 'int32', shape: values.shape };
  },
  lower: (emit, inputs, { attrs }) => {
    const sorted = emit.node('Unsqueeze', [at(inputs, 0).name, emit.integers([1])]); // [rows, 1, length]
    const values = emit.node('Unsqueeze', [at(inputs, 1).name, emit.integers([2])]); // [rows, values, 1]
    const passed = emit.node(attrs.side === 'left' ? 'Less' : 'LessOrEqual', [sorted, values]);
    const ones = emit.node('Cast', [passed], { to: emit.elementType('int32') });
    return emit.node('ReduceSum', [ones, emit.integers([2])], { keepdims: 0 });
  },
};

/**
 * How often each of the numbers 0 to size − 1 occurs in the last axis of x, each occurrence counted by its weight where
 * there are weights, or at most once where `binary`. Other numbers are passed over.
 */
function counts(
  emit: Emitter,
  [x, weights]: readonly [Operand, Operand],
  size: number,
  binary: boolean,
): Name {
  const rank = x.shape.length;
  const classes = emit.constant(
    'int32',
    [size, 1],
    Int32Array.from({ length: size }, (_, i) => i),
  );
  const row = (name: Name) => emit.node('Unsqueeze', [name, emit.integers([rank - 1])]); // […, 1, length]
  const to = emit.elementType(weights.dtype);
  const found = emit.node('Cast', [emit.node('Equal', [row(x.name), classes])], { to }); // […, size, length]
  const last = emit.integers([rank]);
  if (binary) {
    const present = emit.node('ReduceSum', [found, last], { keepdims: 0 });
    return emit.node('Min', [present, emit.scalar(weights.dtype, 1)]);
  }
  const weighted = sizeOf(weights.shape) === 0 ? found : emit.node('Mul', [found, row(weights.name)]);
  return emit.node('ReduceSum', [weighted, last], { keepdims: 0 });
}

const bincount: KernelRule = {
  inputs: ['x', 'weights'],
  types: NUMBERS,
  infer: ([x, weights], attrs) => {
    checkShapes(
      sizeOf(weights.shape) === 0 || sameShape(x.shape, weights.shape),
      'the weights must have the shape of the values, or no elements',
    );
    return { dtype: weights.dtype, shape: [...x.shape.slice(0, -1), attrs.size as number] };
  },
  lower: (emit, inputs, { attrs }) => {
    const [x, weights] = [at(inputs, 0), at(inputs, 1)];
    // tfjs takes `binaryOutput` for rows only.
    const binary = Boolean(attrs.binaryOutput) && x.shape.length === 2;
    return counts(emit, [x, weights], attrs.size as number, binary);
  },
};

export const ordering: KernelRules = {
  TopK: topK,
  SearchSorted: searchSorted,
  Bincount: bincount,
  DenseBincount: bincount,
};
