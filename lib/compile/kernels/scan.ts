/** @file Cumulative sums and products along an axis. */
import type { Attributes, Value } from '../graph';
import type { Emitter, Name } from '../onnx/emitter';
import { ANY } from './pointwise';
import { at, type KernelRule, type KernelRules, normalizeAxes, type Operand, type Spec } from './rule';

const axisOf = (x: Value, attrs: Attributes) => at(normalizeAxes(attrs.axis ?? 0, x.shape.length), 0);

/** tfjs counts bools in int32. */
function scanned([x]: readonly [Value, ...Value[]]): Spec {
  return { dtype: x.dtype === 'bool' ? 'int32' : x.dtype, shape: x.shape };
}

function asNumbers(emit: Emitter, { name, dtype }: Operand): Name {
  return dtype === 'bool' ? emit.node('Cast', [name], { to: emit.elementType('int32') }) : name;
}

const cumsum: KernelRule = {
  inputs: ['x'],
  types: ANY,
  infer: scanned,
  lower: (emit, inputs, { attrs }) => {
    const x = at(inputs, 0);
    const axis = emit.constant('int64', [], BigInt64Array.of(BigInt(axisOf(x, attrs))));
    return emit.node('CumSum', [asNumbers(emit, x), axis], {
      exclusive: attrs.exclusive ? 1 : 0,
      reverse: attrs.reverse ? 1 : 0,
    });
  },
};

/**
 * Products of growing windows, each step of which doubles their length (Hillis and Steele, 1986): ONNX has no cumulative
 * product. Shifting pads with ones at one end of the axis and crops at the other.
 */
const cumprod: KernelRule = {
  inputs: ['x'],
  types: ANY,
  infer: scanned,
  lower: (emit, inputs, { attrs, outputs }) => {
    const x = at(inputs, 0);
    const { dtype, shape } = at(outputs, 0);
    const axis = axisOf(x, attrs);
    const length = at(shape, axis);
    const one = emit.scalar(dtype, 1);
    const shifted = (y: Name, by: number) => {
      const along = (amount: number) => shape.map((_, i) => (i === axis ? amount : 0));
      const [before, after] = attrs.reverse ? [-by, by] : [by, -by];
      return emit.node('Pad', [y, emit.integers([...along(before), ...along(after)]), one]);
    };
    let product = asNumbers(emit, x);
    if (length === 0) return emit.node('Identity', [product]);
    if (attrs.exclusive) product = shifted(product, 1);
    for (let window = 1; window < length; window *= 2)
      product = emit.node('Mul', [product, shifted(product, window)]);
    return product;
  },
};

export const scans: KernelRules = { Cumsum: cumsum, Cumprod: cumprod };
