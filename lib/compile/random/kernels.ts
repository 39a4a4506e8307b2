/**
 * @file The kernels of random numbers, this package's own: tfjs's generators have a state that no program can carry.
 * Inputs are the seed and the step, int32 scalars; vectors of them, where a step runs for many instances, give a leading
 * axis. Attributes are the shape and what the purpose gives to the key's lanes.
 *
 * - `RandomWords`: int32, 32 random bits each.
 * - `RandomUniform`: float32 in [0, 1).
 * - `RandomNormal`: float32, mean 0 and variance 1.
 * - `RandomEvents`: bool, true for `limit` of the 2³² words, one word an event.
 * - `RandomHalfEvents`: bool, true for `limit` of the 2¹⁶ halves of words, two events a word and twice as fast.
 */
import type { Attributes, Node } from '../graph';
import { type DType, sizeOf } from '../host';
import { isDouble } from '../kernels/pointwise';
import { at, broadcastShape, type KernelRule, type KernelRules, type Operand } from '../kernels/rule';
import { writer } from '../kernels/write';
import type { Emitter, Name } from '../onnx/emitter';
import { PAIRED, tableForHalves, UNIFORM_UNIT } from './distributions';
import { COLUMNS } from './generator';
import { flatten, keyCount, type LoweredKey, lowerWordList, lowerWords, wordWriter } from './lowering';

/** What a node of these kernels is told besides its inputs. */
export interface RandomAttributes extends Attributes {
  readonly shape: readonly number[];
  /** `purposeLanes` of the key's purpose, as numbers. */
  readonly lanes: readonly number[];
  /** For events: how many of the words or halves, at least 1 and fewer than all. */
  readonly limit?: number;
}

/** A kernel whose result has the given shape for each key; `write` gives `[keys, count]` elements of it. */
function randomKernel(
  dtype: DType,
  write: (emit: Emitter, key: LoweredKey, count: number, attrs: RandomAttributes) => Name,
): KernelRule {
  return {
    inputs: ['seed', 'step'],
    types: ['int32'],
    infer: ([seed, step], attrs) => ({
      dtype,
      shape: [...broadcastShape(seed.shape, step.shape), ...(attrs as RandomAttributes).shape],
    }),
    lower: (emit: Emitter, inputs: readonly Operand[], node: Node) => {
      const attrs = node.attrs as RandomAttributes;
      const key = { seed: at(inputs, 0), step: at(inputs, 1), lanes: Int32Array.from(attrs.lanes) };
      return emit.reshape(write(emit, key, sizeOf(attrs.shape), attrs), at(node.outputs, 0).shape);
    },
  };
}

/** Polynomials in u² for |u| ≤ ½, to 1e-10: sin(πu)/u and cos(πu). */
const SINE = [
  -0.007028304447885603, 0.08205035056501704, -0.5992521866109352, 2.5501633179457315, -5.167712764593244,
  3.1415926535361334,
];
const COSINE = [
  0.0018399889980043685, -0.025776316062547266, 0.23532543647888815, -1.3352623152475513, 4.058712107536687,
  -4.934802200249831, 0.9999999999992476,
];

/**
 * −2 ln u for u in (0, 1]. A GPU's logarithm is exact to an absolute error only where u is near 1, which the root taken
 * of it would magnify: there, 4·artanh(s) with s = (1 − u)/(1 + u), by its series.
 */
function minusTwoLog(emit: Emitter, u: Name): Name {
  const f = writer(emit);
  const direct = f.mul(f.call('Log', u), -2);
  if (emit.target.device !== 'webgpu') return direct;
  const s = f.div(f.sub(1, u), f.add(u, 1));
  const series = f.polynomial(f.mul(s, s), [4 / 15, 4 / 13, 4 / 11, 4 / 9, 4 / 7, 4 / 5, 4 / 3, 4]);
  return f.where(f.less(u, 0.5), direct, f.mul(s, series));
}

/** sin(πu) and cos(πu) for |u| ≤ ½. Single-precision libraries differ by more than the polynomials' error. */
function sineAndCosine(emit: Emitter, u: Name): { readonly sine: Name; readonly cosine: Name } {
  const f = writer(emit);
  if (isDouble(emit)) {
    const angle = f.mul(u, Math.PI);
    return { sine: f.call('Sin', angle), cosine: f.call('Cos', angle) };
  }
  const square = f.mul(u, u);
  return { sine: f.mul(u, f.polynomial(square, SINE)), cosine: f.polynomial(square, COSINE) };
}

/** `normals` of `distributions.ts`. */
function writeNormals(emit: Emitter, key: LoweredKey, count: number): Name {
  const [w, f] = [wordWriter(emit), writer(emit)];
  const rows = Math.ceil(count / COLUMNS);
  const table = lowerWords(emit, key, { rows, columns: COLUMNS });
  const halves = emit.multi('Split', [table, emit.integers([PAIRED, PAIRED])], 2, { axis: 2 });
  const [first, second] = halves as [Name, Name];
  const uniform = (words: Name) => f.mul(w.to(words, 'float32'), UNIFORM_UNIT);
  const radius = f.call('Sqrt', minusTwoLog(emit, uniform(w.add(w.upper(first, 8), 1))));
  const u = f.sub(uniform(w.upper(w.mul(second, 2), 8)), 0.5);
  const { sine, cosine } = sineAndCosine(emit, u);
  const positive = w.less(second, 2 ** 31);
  const signed = f.where(positive, radius, f.call('Neg', radius));
  const normals = emit.node('Concat', [f.mul(radius, sine), f.mul(signed, cosine)], { axis: 2 });
  return flatten(emit, normals, keyCount(key), { rows, columns: COLUMNS, count });
}

/** `halfEvents` of `distributions.ts`. The lower half is compared where the upper one was, moved up. */
function writeHalfEvents(emit: Emitter, key: LoweredKey, count: number, { limit }: RandomAttributes): Name {
  const w = wordWriter(emit);
  const { rows, columns } = tableForHalves(count);
  const upper = lowerWords(emit, key, { rows, columns });
  const happens = (words: Name) => w.less(words, (limit as number) * 2 ** 16);
  if (count <= columns) return happens(emit.reshape(upper, [keyCount(key), count]));
  const lower = w.mul(upper, 2 ** 16);
  const beside = (a: Name, b: Name) => emit.node('Concat', [a, b], { axis: 2 });
  // Bytes are less to copy than words, but the WebGPU provider leaves Concat of bools to the CPU.
  const table =
    emit.target.device === 'cpu' ? beside(happens(upper), happens(lower)) : happens(beside(upper, lower));
  return flatten(emit, table, keyCount(key), { rows, columns: 2 * columns, count });
}

export const randomKernels: KernelRules = {
  RandomWords: randomKernel('int32', (emit, key, count) =>
    wordWriter(emit).to(lowerWordList(emit, key, count), 'int32'),
  ),
  RandomUniform: randomKernel('float32', (emit, key, count) => {
    const w = wordWriter(emit);
    const upper = w.upper(lowerWordList(emit, key, count), 8);
    return writer(emit).mul(w.to(upper, 'float32'), UNIFORM_UNIT);
  }),
  RandomNormal: randomKernel('float32', writeNormals),
  RandomEvents: randomKernel('bool', (emit, key, count, { limit }) =>
    wordWriter(emit).less(lowerWordList(emit, key, count), limit as number),
  ),
  RandomHalfEvents: randomKernel('bool', writeHalfEvents),
};
