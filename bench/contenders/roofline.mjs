/**
 * @file Contender: nothing but the matrix products of a step, from a committed list, through the same runtime. What a
 * step needs beyond this is the room that is left for improvement.
 *
 * All products run in one ONNX graph inside a `Loop`, as in a compiled step. Their operands are inputs of the graph: the
 * runtime would repack constants ahead of time, which weights that change at every step do not allow. One element of
 * each product is returned, so that none is optimised away and none is copied.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Emitter } from 'optimal-grokking/dist/compile/onnx/emitter.js';
import { encodeModel } from 'optimal-grokking/dist/compile/onnx/proto.js';
import { onnxRuntimeNode } from 'optimal-grokking/dist/compile/runtime.node.js';
import { randomStream } from 'optimal-grokking/dist/data/random.js';
import { serve } from '../harness/serve.mjs';

/** @typedef {import('optimal-grokking/dist/compile/onnx/proto.js').ValueInfo} ValueInfo */

/** @typedef {{ name: string, m: number, k: number, n: number, transA: boolean, transB: boolean }} Product */

/**
 * Adds one product in its fastest form and returns its name. The runtime's Gemm is slow where the first operand is
 * stored transposed and k is long: there the narrower operand is transposed first, whichever way round the result comes.
 *
 * @param {Emitter} emit
 * @param {Product} product
 * @param {string} a
 * @param {string} b
 */
function multiply(emit, { m, k, n, transA, transB }, a, b) {
  /** @param {string} x @param {string} y @param {boolean} flagA @param {boolean} flagB */
  const gemm = (x, y, flagA, flagB) =>
    emit.node('Gemm', [x, y], { transA: Number(flagA), transB: Number(flagB) });
  const turned = (/** @type {string} */ x) => emit.node('Transpose', [x], { perm: [1, 0] });
  if (!transA || k < 4 * Math.max(m, n)) return gemm(a, b, transA, transB);
  return m <= n || transB ? gemm(turned(a), b, false, transB) : gemm(turned(b), a, false, false);
}

/** @param {string} name @param {readonly number[]} shape @returns {ValueInfo & { shape: readonly number[] }} */
const operand = (name, shape) => ({ name, type: 'float32', shape });

/** The ONNX model that runs the list `steps` times. @param {readonly Product[]} products */
function model(products) {
  const main = Emitter.root();
  const emit = main.nested();
  const corners = products.map((product, index) => {
    const result = multiply(emit, product, `a${index}`, `b${index}`);
    return emit.node('Slice', [result, emit.integers([0, 0]), emit.integers([1, 1]), emit.integers([0, 1])]);
  });
  const sample = emit.node('Concat', corners, { axis: 0 });
  const shape = [products.length, 1];
  /** @type {import('optimal-grokking/dist/compile/onnx/proto.js').OnnxGraph} */
  const body = {
    name: 'products',
    nodes: [...emit.nodes, { opType: 'Identity', inputs: ['go'], outputs: ['goOn'], attributes: {} }],
    initializers: [],
    inputs: [
      { name: 'iteration', type: 'int64', shape: [] },
      { name: 'go', type: 'bool', shape: [] },
      { name: 'before', type: 'float32', shape },
    ],
    outputs: [
      { name: 'goOn', type: 'bool', shape: [] },
      { name: sample, type: 'float32', shape },
    ],
  };
  const always = main.constant('bool', [], Uint8Array.of(1));
  const start = main.constant('float32', shape, new Float32Array(products.length));
  main.nodes.push({
    opType: 'Loop',
    inputs: ['steps', always, start],
    outputs: ['last'],
    attributes: { body },
  });
  const operands = products.flatMap(({ m, k, n, transA, transB }, index) => [
    operand(`a${index}`, transA ? [k, m] : [m, k]),
    operand(`b${index}`, transB ? [n, k] : [k, n]),
  ]);
  const bytes = encodeModel({
    name: 'roofline',
    nodes: main.nodes,
    initializers: main.initializers,
    inputs: [{ name: 'steps', type: 'int64', shape: [] }, ...operands],
    outputs: [{ name: 'last', type: 'float32', shape }],
  });
  return { bytes, operands };
}

await serve(async () => {
  const { values } = parseArgs({ options: { list: { type: 'string' }, threads: { type: 'string' } } });
  /** @type {{ products: Product[] }} */
  const { products } = JSON.parse(readFileSync(String(values.list), 'utf8'));
  const { bytes, operands } = model(products);
  const session = await onnxRuntimeNode.open(bytes, { threads: Number(values.threads) });
  const random = randomStream(0, 'bench/roofline');
  const inputs = Object.fromEntries(
    operands.map(({ name, shape }) => {
      const data = random.normals(Number(shape[0]) * Number(shape[1]), 1);
      return [name, onnxRuntimeNode.put({ dtype: 'float32', shape, data })];
    }),
  );
  const flops = products.reduce((sum, { m, k, n }) => sum + 2 * m * k * n, 0);
  /** @param {number} steps */
  const train = async (steps) => {
    await session.run({ ...inputs, steps: onnxRuntimeNode.putCount(steps) });
  };
  await train(3);
  return {
    introduction: {
      name: 'roofline',
      versions: { runtime: onnxRuntimeNode.version },
      settings: { products: products.length, gigaFlops: flops / 1e9 },
      losses: [],
    },
    train,
  };
});
