/** @file How fast a runtime is, told by one matrix product. */
import { encodeModel, type OnnxGraph } from './onnx/proto';
import type { Runtime } from './runtime';

/** Calls that are timed; the best of them counts. */
const CALLS = 3;

/**
 * Milliseconds of the product of two square float32 matrices, the copy of the result to the host included; infinity
 * where the result is wrong.
 */
export async function measureProduct(runtime: Runtime, side: number): Promise<number> {
  const shape = [side, side];
  const value = (name: string) => ({ name, type: 'float32' as const, shape });
  const graph: OnnxGraph = {
    name: 'product',
    nodes: [{ opType: 'MatMul', inputs: ['a', 'b'], outputs: ['c'], attributes: {} }],
    initializers: [],
    inputs: [value('a'), value('b')],
    outputs: [value('c')],
  };
  const session = await runtime.open(encodeModel(graph), {});
  try {
    const ones = () => runtime.put({ dtype: 'float32', shape, data: new Float32Array(side * side).fill(1) });
    const inputs = { a: ones(), b: ones() };
    let best = Number.POSITIVE_INFINITY;
    for (let call = 0; call <= CALLS; call++) {
      const started = performance.now();
      const { c } = await session.run(inputs);
      const milliseconds = performance.now() - started;
      if (((await runtime.get(c)).data[0] as number) !== side) return Number.POSITIVE_INFINITY;
      // The first call warms up.
      if (call > 0) best = Math.min(best, milliseconds);
    }
    return best;
  } finally {
    await session.release();
  }
}
