/** @file Kernels that reduce axes, and softmax along one. tfjs makes logSoftmax of plainer kernels. */

import type { Attributes, Value } from '../graph';
import type { DType } from '../host';
import type { Name } from '../onnx/emitter';
import { WIDE } from './matmul';
import { BOOL, NUMBERS } from './pointwise';
import { at, type KernelRule, type KernelRules, normalizeAxes, type Operand, type Spec } from './rule';

function reducedShape(x: Value, axes: readonly number[], keepDims: boolean): number[] {
  return x.shape.flatMap((dimension, axis) => (!axes.includes(axis) ? [dimension] : keepDims ? [1] : []));
}

/** ReduceSum and its kin, with a result of the input's type or of `result`; tfjs calls the axes of Max and Min `reductionIndices`. */
function reduction(opType: string, types?: readonly DType[], result?: DType): KernelRule {
  const axesOf = (x: Value, attrs: Attributes) =>
    normalizeAxes(attrs.axis ?? attrs.reductionIndices, x.shape.length);
  return {
    inputs: ['x'],
    ...(types === undefined ? {} : { types }),
    infer: ([x], attrs) => ({
      dtype: result ?? x.dtype,
      shape: reducedShape(x, axesOf(x, attrs), Boolean(attrs.keepDims)),
    }),
    lower: (emit, inputs, node) => {
      const { name, dtype, shape } = at(inputs, 0);
      const axes = axesOf({ dtype, shape }, node.attrs);
      const converted = result === undefined || result === dtype;
      const x = converted ? name : emit.node('Cast', [name], { to: emit.elementType(result) });
      // With no axes ONNX would reduce all of them.
      if (axes.length === 0) return emit.node('Identity', [x]);
      return emit.node(opType, [x, emit.integers(axes)], { keepdims: node.attrs.keepDims ? 1 : 0 });
    },
  };
}

function argReduction(opType: string): KernelRule {
  return {
    inputs: ['x'],
    types: NUMBERS,
    infer: ([x], attrs) => ({
      dtype: 'int32',
      shape: reducedShape(x, normalizeAxes(attrs.axis, x.shape.length), false),
    }),
    lower: (emit, inputs, node) => {
      const axis = at(normalizeAxes(node.attrs.axis, at(inputs, 0).shape.length), 0);
      return emit.node('Cast', [emit.node(opType, [at(inputs, 0).name], { axis, keepdims: 0 })], {
        to: emit.elementType('int32'),
      });
    },
  };
}

/** Whether all are true, or any is: by the number of those that are not, or are. Over no elements: true, and false. */
function logical(opposite: boolean): KernelRule {
  const count = reduction('ReduceSum', BOOL, 'int32');
  return {
    ...count,
    infer: (inputs, attrs) => ({ ...(count.infer(inputs, attrs) as Spec), dtype: 'bool' }),
    lower: (emit, inputs, node) => {
      const { name } = at(inputs, 0);
      const [x] = inputs;
      const counted = opposite ? emit.node('Not', [name]) : name;
      const found = count.lower(emit, [{ ...(x as Operand), name: counted }], node) as Name;
      const zero = emit.scalar('int32', 0);
      return emit.node(opposite ? 'Equal' : 'Greater', [found, zero]);
    },
  };
}

const softmax: KernelRule = {
  inputs: ['logits'],
  types: ['float32'],
  infer: ([x]) => ({ dtype: 'float32', shape: x.shape }),
  lower: (emit, inputs, node) => {
    const { name, shape } = at(inputs, 0);
    return emit.node('Softmax', [name], { axis: at(normalizeAxes(node.attrs.dim, shape.length), 0) });
  },
};

/**
 * A sum over the rows of a large matrix is a product with a row of ones, which spreads over threads: half the time of
 * ReduceSum. Of narrower matrices threads would get pieces that are summed in different orders: see matmul.ts.
 */
function sum(): KernelRule {
  const plain = reduction('ReduceSum', NUMBERS);
  return {
    ...plain,
    lower: (emit, inputs, node) => {
      const { name, dtype, shape } = at(inputs, 0);
      const [rows = 0, columns = 0] = shape;
      const axes = normalizeAxes(node.attrs.axis, shape.length);
      const isColumnSum = shape.length === 2 && axes.length === 1 && axes[0] === 0;
      if (dtype !== 'float32' || !isColumnSum || rows < WIDE || columns < WIDE) {
        return plain.lower(emit, inputs, node);
      }
      const ones = emit.constant('float32', [1, rows], new Float32Array(rows).fill(1));
      return emit.reshape(emit.node('Gemm', [ones, name]), at(node.outputs, 0).shape);
    },
  };
}

export const reductions: KernelRules = {
  Sum: sum(),
  Mean: reduction('ReduceMean', undefined, 'float32'),
  /** Unlike tfjs's, these find a NaN only by chance: ONNX Runtime's comparisons pass over it. So do ArgMax and ArgMin. */
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  All: logical(true),
  Any: logical(false),
  Prod: reduction('ReduceProd', NUMBERS),
  ArgMax: argReduction('ArgMax'),
  ArgMin: argReduction('ArgMin'),
  Softmax: softmax,
};
