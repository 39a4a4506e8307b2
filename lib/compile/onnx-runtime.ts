/**
 * @file A `Runtime` over any build of ONNX Runtime for JavaScript: `onnxruntime-node` and `onnxruntime-web` share one
 * interface. What differs between them (provider, threads, where results may stay) is given.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { deviceMemory } from './device-memory';
import { CompileError } from './errors';
import type { DType, WideTensor } from './host';
import { encodeModel, type OnnxGraph } from './onnx/proto';
import type { DeviceTensor, Runtime, RuntimeOptions } from './runtime';
import type { Device } from './target';

/** The part of ONNX Runtime's interface that both packages have. */
export interface OnnxRuntimePackage {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (
    type: Tensor.Type,
    data: WideTensor['data'] | BigInt64Array,
    dims: readonly number[],
  ) => Tensor;
}

/** One provider of one build. */
export interface OnnxRuntimeProvider {
  readonly version: string;
  readonly device: Device;
  /** ONNX Runtime's name of the execution provider. */
  readonly provider: string;
  readonly nativeLoop: boolean;
  /** Whether results may stay in the device's memory between two calls of a session. */
  readonly keepsResults: boolean;
  /** Session options beyond those that every runtime here wants. */
  readonly sessionOptions?: (options: RuntimeOptions) => InferenceSession.SessionOptions;
}

/** Options that ONNX Runtime knows by dotted names, as the nested records in which its packages take them. */
function sessionConfig({ spinning }: RuntimeOptions): Record<string, unknown> {
  return {
    // A Gemm that has to transpose its first operand does not spread over threads: see kernels/matmul.ts.
    optimization: { disable_specified_optimizers: 'GemmTransposeFusion;MatMulTransposeFusion' },
    ...(spinning === undefined ? {} : { session: { intra_op: { allow_spinning: spinning ? '1' : '0' } } }),
  };
}

/** Makes a call of ONNX Runtime; its errors come out as one line. */
type Guard = <T>(action: string, call: () => Promise<T>) => Promise<T>;

/** Makes calls one after the other: in a page, one that begins before the last has ended never returns. */
function oneAtATime(): Guard {
  let last: Promise<unknown> = Promise.resolve();
  return (action, call) => {
    const result = last.then(call).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CompileError(`ONNX Runtime cannot ${action}: ${reason.replace(/\s+/g, ' ').trim()}`, {
        cause: error,
      });
    });
    last = result.catch(() => undefined);
    return result;
  };
}

/**
 * The runtime of one provider. It makes its calls one after the other and opens a session for every form of tensor that
 * it reads from the device, so make one and keep it.
 */
export function onnxRuntime(ort: OnnxRuntimePackage, provider: OnnxRuntimeProvider): Runtime {
  const { version, device, nativeLoop, keepsResults } = provider;
  const guarded = oneAtATime();
  const memory = deviceMemory();
  const download = downloader(ort, provider.provider, guarded);
  return {
    version,
    device,
    nativeLoop,

    async open(model, options, resident = []) {
      const session = await guarded('open the compiled step', () =>
        ort.InferenceSession.create(model, {
          executionProviders: [provider.provider],
          graphOptimizationLevel: 'all',
          executionMode: 'sequential',
          // Fatal alone: what goes wrong comes back as an exception.
          logSeverityLevel: 4,
          ...provider.sessionOptions?.(options),
          ...(keepsResults && resident.length > 0
            ? { preferredOutputLocation: Object.fromEntries(resident.map((name) => [name, 'gpu-buffer'])) }
            : {}),
          extra: sessionConfig(options),
        }),
      );
      return {
        async run(inputs) {
          const call = () => session.run(inputs as Record<string, Tensor>);
          const outputs = (await guarded('run the compiled step', call)) as Record<string, Tensor>;
          for (const tensor of Object.values(outputs)) if (isOnDevice(tensor)) memory.watch(tensor);
          return outputs;
        },
        release: () => guarded('release the compiled step', () => session.release()),
      };
    },

    put({ dtype, data, shape }: WideTensor) {
      // The runtime uses the memory it is given: a copy keeps the state apart from the caller's arrays.
      return new ort.Tensor(data instanceof Float64Array ? 'float64' : dtype, data.slice(), [...shape]);
    },

    putCount: (count) => new ort.Tensor('int64', BigInt64Array.of(BigInt(count)), []),

    async get(tensor) {
      const given = tensor as Tensor;
      const { type, dims, data } = isOnDevice(given) ? await download(given) : given;
      const dtype = type === 'float64' ? 'float32' : type;
      if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
        throw new CompileError(
          `the program returned a tensor of type ${type}, expected float32, float64, int32 or bool`,
        );
      }
      return { dtype: dtype satisfies DType, shape: dims, data: (data as WideTensor['data']).slice() };
    },

    free(tensor: DeviceTensor) {
      // In host memory, whose tensors are not watched, the garbage collector knows best.
      memory.free(tensor as Tensor);
    },
  };
}

/**
 * Reads tensors from the device's memory, by a program that returns its input. The packages' own `getData()` moves the
 * tensor itself to the host in a browser, and in Node ends the process.
 */
function downloader(
  ort: OnnxRuntimePackage,
  provider: string,
  guarded: Guard,
): (tensor: Tensor) => Promise<Tensor> {
  const sessions = new Map<string, Promise<InferenceSession>>();
  return async (tensor) => {
    const form = `${tensor.type}:${tensor.dims.length}`;
    let session = sessions.get(form);
    if (session === undefined) {
      const model = identityModel(tensor.type as DType, tensor.dims.length);
      const options = { executionProviders: [provider], logSeverityLevel: 4 } as const;
      session = guarded('read the state', () => ort.InferenceSession.create(model, options));
      sessions.set(form, session);
      // Another call may have more luck.
      session.catch(() => sessions.delete(form));
    }
    const reader = await session;
    const { y } = await guarded('read the state', () => reader.run({ x: tensor }));
    return y as Tensor;
  };
}

/** `y = x` for tensors of a type and rank. */
function identityModel(type: DType, rank: number): Uint8Array {
  const shape = Array.from({ length: rank }, (_, axis) => `d${axis}`);
  const graph: OnnxGraph = {
    name: 'identity',
    nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'y', type, shape }],
  };
  return encodeModel(graph);
}

function isOnDevice({ location }: Tensor): boolean {
  return location === 'gpu-buffer';
}
