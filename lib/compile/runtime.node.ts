/** @file ONNX Runtime's CPU provider in Node. */
import * as ort from 'onnxruntime-node';
import { CompileError } from './errors';
import type { DType, WideTensor } from './host';
import type { Runtime } from './runtime';

/** Options that onnxruntime-node passes on to the native session by their dotted names. */
const SESSION_CONFIG = {
  // A Gemm that has to transpose its first operand does not spread over threads: see kernels/matmul.ts.
  optimization: { disable_specified_optimizers: 'GemmTransposeFusion;MatMulTransposeFusion' },
};

/** Runs a call of ONNX Runtime; its errors come out as one line. */
async function guarded<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ');
    throw new CompileError(`ONNX Runtime cannot ${action}: ${reason}`, { cause: error });
  }
}

export const onnxRuntimeNode: Runtime = {
  version: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
  device: 'cpu',
  nativeLoop: true,

  async open(model, { threads }) {
    const session = await guarded('open the compiled step', () =>
      ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'all',
        executionMode: 'sequential',
        // Fatal alone: what goes wrong comes back as an exception.
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        extra: SESSION_CONFIG,
      }),
    );
    return {
      run: (inputs) =>
        guarded('run the compiled step', () => session.run(inputs as Record<string, ort.Tensor>)),
      release: () => session.release(),
    };
  },

  put({ dtype, data, shape }: WideTensor) {
    // The runtime uses the memory it is given: a copy keeps the state apart from the caller's arrays.
    return new ort.Tensor(data instanceof Float64Array ? 'float64' : dtype, data.slice(), [...shape]);
  },

  putCount(count) {
    return new ort.Tensor('int64', BigInt64Array.of(BigInt(count)), []);
  },

  async get(tensor) {
    const { type, dims, data } = tensor as ort.Tensor;
    const dtype = type === 'float64' ? 'float32' : type;
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
      throw new CompileError(
        `the program returned a tensor of type ${type}, expected float32, float64, int32 or bool`,
      );
    }
    return { dtype: dtype satisfies DType, shape: dims, data: (data as WideTensor['data']).slice() };
  },
};
