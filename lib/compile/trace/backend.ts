/**
 * @file A tfjs backend that computes nothing: it records each kernel call. tfjs's own operations and gradient tape run
 * on top of it unchanged, which is how a step written with plain tfjs becomes a graph.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from '../errors';
import { type Attributes, constantData, constantOf, describe, makeValue, type Value } from '../graph';
import type { DType, HostTensor } from '../host';
import { callSite } from './call-site';
import { refuseRandom } from './random-guard';
import type { Recorder } from './recorder';

/** The name under which the backend stands in tfjs's registry. */
export const TRACE_BACKEND = 'optimal-grokking:trace';

/** tfjs's handle of a tensor's data: any object, compared by identity. */
type DataId = object;

const DTYPES: ReadonlySet<string> = new Set(['float32', 'int32', 'bool'] satisfies DType[]);

/** Narrows tfjs's element types to those a compiled step may use. */
export function checkedDType(dtype: string): DType {
  if (!DTYPES.has(dtype))
    throw new CompileError(`tensors of type ${dtype} cannot be compiled; use float32, int32 or bool`);
  return dtype as DType;
}

/** Copies values into the typed array of a dtype. */
export function toData(values: ArrayLike<number | boolean>, dtype: DType): HostTensor['data'] {
  const numbers = values as ArrayLike<number>;
  if (dtype === 'float32') return new Float32Array(numbers);
  return dtype === 'int32' ? new Int32Array(numbers) : new Uint8Array(numbers);
}

export class TraceBackend extends tf.KernelBackend {
  private recorder: Recorder | undefined;
  private values = new Map<DataId, Value>();
  /** How many variables share the data of a tensor: tfjs counts its tensors by what `disposeData` says. */
  private shared = new Map<DataId, number>();

  /** Records into `recorder` while `body` runs. */
  during<T>(recorder: Recorder, body: () => T): T {
    if (this.recorder !== undefined)
      throw new CompileError('a step cannot be traced while another is being traced');
    this.recorder = recorder;
    try {
      return body();
    } finally {
      this.recorder = undefined;
      this.values = new Map();
      this.shared = new Map();
    }
  }

  /** The recorder of the trace under way. */
  active(): Recorder {
    if (this.recorder === undefined) throw new CompileError('a traced tensor was used outside of its trace');
    return this.recorder;
  }

  /** A tfjs tensor that stands for a value. */
  tensor(value: Value): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.info(value), this);
  }

  info(value: Value): tf.TensorInfo {
    const dataId: DataId = {};
    this.values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  /** The value behind a tensor; tensors of other backends, closed over by the step, become constants. */
  value(tensor: tf.TensorInfo): Value {
    const known = this.values.get(tensor.dataId);
    if (known !== undefined) {
      return known.shape.length === tensor.shape.length && known.shape.every((d, i) => d === tensor.shape[i])
        ? known
        : this.reshaped(known, tensor.shape);
    }
    const dtype = checkedDType(tensor.dtype);
    const data = toData(tf.engine().readSync(tensor.dataId) as ArrayLike<number>, dtype);
    const value = makeValue(dtype, [...tensor.shape], constantOf(data));
    this.values.set(tensor.dataId, value);
    return value;
  }

  /** tfjs may show the same data under another shape. */
  private reshaped(value: Value, shape: readonly number[]): Value {
    const [result] = this.active().call('Reshape', { x: value }, { shape });
    return result as Value;
  }

  /** Runs one kernel: records it. */
  run(
    kernel: string,
    inputs: Readonly<Record<string, tf.TensorInfo | undefined>>,
    attrs: Attributes,
  ): tf.TensorInfo[] {
    const named = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [name, tensor && this.value(tensor)] as const),
    );
    return this.active()
      .call(kernel, named, attrs)
      .map((value) => this.info(value));
  }

  override write(values: tf.backend_util.TypedArray, shape: number[], dtype: tf.DataType): DataId {
    const dataId: DataId = {};
    refuseRandom(dtype, shape);
    const type = checkedDType(dtype);
    this.values.set(dataId, makeValue(type, [...shape], constantOf(toData(values, type))));
    return dataId;
  }

  override readSync(dataId: DataId): tf.backend_util.TypedArray {
    const value = this.values.get(dataId);
    if (value?.constant !== undefined) return constantData(value);
    const producer = value && this.recorder?.producer(value);
    const origin = producer === undefined ? '' : `, the result of '${producer.op}'`;
    throw new CompileError(
      `the step reads the value of a traced tensor${value === undefined ? '' : ` (${describe(value)}${origin})`}: inside a compiled step values are not known; use tensor operations, or return it as a metric`,
      { source: callSite() },
    );
  }

  override async read(dataId: DataId): Promise<tf.backend_util.TypedArray> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId): boolean {
    const others = this.shared.get(dataId) ?? 0;
    if (others > 0) this.shared.set(dataId, others - 1);
    return others === 0;
  }

  override refCount(dataId: DataId): number {
    return 1 + (this.shared.get(dataId) ?? 0);
  }

  override incRef(dataId: DataId): void {
    this.shared.set(dataId, this.refCount(dataId));
  }

  override numDataIds(): number {
    return this.values.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    this.values = new Map();
  }
}
