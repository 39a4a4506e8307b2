/**
 * @file Contender: nothing but the matrix products of a step, from a committed list, through the same runtime. What a
 * step needs beyond this is the room that is left for improvement.
 *
 * All products run in one ONNX graph, inside a `Loop` where a compiled step has one. Their operands are inputs of the graph: the
 * runtime would repack constants ahead of time, which weights that change at every step do not allow. One element of
 * each product is returned, so that none is optimised away and none is copied.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Emitter } from 'optimal-grokking/dist/compile/onnx/emitter.js';
import { encodeModel } from 'optimal-grokking/dist/compile/onnx/proto.js';
import { randomStream } from 'optimal-grokking/dist/data/random.js';
import { openRuntime, runtimeOptions } from '../harness/options.mjs';
import { serve } from '../harness/serve.mjs';
import { flopsOf } from '../roofline/products.mjs';

/** @typedef {import('optimal-grokking/dist/compile/onnx/proto.js').ValueInfo} ValueInfo */

/** @typedef {import('../roofline/products.mjs').Product} Product */

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

/**
 * The ONNX model of a list: its products once, or, where the runtime has a `Loop`, as often as the input `steps` says.
 *
 * @param {readonly Product[]} products
 * @param {boolean} looped
 */
function model(products, looped) {
  const main = Emitter.root();
  const emit = looped ? main.nested() : main;
  const corners = products.map((product, index) => {
    const result = multiply(emit, product, `a${index}`, `b${index}`);
    return emit.node('Slice', [result, emit.integers([0, 0]), emit.integers([1, 1]), emit.integers([0, 1])]);
  });
  const sample = emit.node('Concat', corners, { axis: 0 });
  const shape = [products.length, 1];
  const operands = products.flatMap(({ m, k, n, transA, transB }, index) => [
    operand(`a${index}`, transA ? [k, m] : [m, k]),
    operand(`b${index}`, transB ? [n, k] : [k, n]),
  ]);
  /** @type {ValueInfo[]} */
  const inputs = [...operands];
  if (looped) {
    inputs.push({ name: 'steps', type: 'int64', shape: [] });
    repeat(main, emit, sample, shape);
  } else {
    main.nodes.push({ opType: 'Identity', inputs: [sample], outputs: ['last'], attributes: {} });
  }
  const bytes = encodeModel({
    name: 'roofline',
    nodes: main.nodes,
    initializers: main.initializers,
    inputs,
    outputs: [{ name: 'last', type: 'float32', shape }],
  });
  return { bytes, operands };
}

/**
 * Puts the nodes of `emit` into a `Loop` of the main graph.
 *
 * @param {Emitter} main
 * @param {Emitter} emit
 * @param {string} sample what each iteration returns
 * @param {readonly number[]} shape
 */
function repeat(main, emit, sample, shape) {
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
  const start = main.constant('float32', shape, new Float32Array(shape.reduce((a, b) => a * b)));
  main.nodes.push({
    opType: 'Loop',
    inputs: ['steps', always, start],
    outputs: ['last'],
    attributes: { body },
  });
}

/**
 * Moves operands to the device once, where a session would otherwise do so at every call.
 *
 * @param {import('optimal-grokking/dist/compile/index.js').Runtime} runtime
 * @param {readonly { name: string, shape: readonly number[] }[]} operands
 * @param {Record<string, unknown>} inputs
 */
async function resident(runtime, operands, inputs) {
  const main = Emitter.root();
  for (const { name } of operands) {
    main.nodes.push({ opType: 'Identity', inputs: [name], outputs: [`${name}There`], attributes: {} });
  }
  const bytes = encodeModel({
    name: 'operands',
    nodes: main.nodes,
    initializers: [],
    inputs: operands.map(({ name, shape }) => operand(name, shape)),
    outputs: operands.map(({ name, shape }) => operand(`${name}There`, shape)),
  });
  const names = operands.map(({ name }) => `${name}There`);
  const results = await (await runtime.open(bytes, {}, names)).run(inputs);
  return Object.fromEntries(operands.map(({ name }) => [name, results[`${name}There`]]));
}

await serve(async () => {
  const { values } = parseArgs({
    options: { list: { type: 'string' }, threads: { type: 'string' }, device: { type: 'string' } },
  });
  /** @type {{ products: Product[] }} */
  const { products } = JSON.parse(readFileSync(String(values.list), 'utf8'));
  const runtime = await openRuntime(values.device);
  const { bytes, operands } = model(products, runtime.nativeLoop);
  const session = await runtime.open(bytes, runtimeOptions(values));
  const random = randomStream(0, 'bench/roofline');
  const given = Object.fromEntries(
    operands.map(({ name, shape }) => {
      const data = random.normals(Number(shape[0]) * Number(shape[1]), 1);
      return [name, runtime.put({ dtype: 'float32', shape, data })];
    }),
  );
  const inputs = runtime.nativeLoop ? given : await resident(runtime, operands, given);
  /** @param {number} steps */
  const train = async (steps) => {
    if (runtime.nativeLoop) await session.run({ ...inputs, steps: runtime.putCount(steps) });
    else for (let left = steps; left > 0; left--) await session.run(inputs);
  };
  await train(3);
  return {
    introduction: {
      name: 'roofline',
      versions: { runtime: runtime.version },
      settings: { device: runtime.device, products: products.length, gigaFlops: flopsOf(products) / 1e9 },
      losses: [],
    },
    train,
  };
});
