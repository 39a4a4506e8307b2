/** @file How much memory a graph's own values need at once, by when each is made and last used. */

/** @typedef {import('optimal-grokking/dist/compile/graph.js').Block} Block */
/** @typedef {import('optimal-grokking/dist/compile/graph.js').Graph} Graph */
/** @typedef {import('optimal-grokking/dist/compile/graph.js').Node} Node */
/** @typedef {import('optimal-grokking/dist/compile/graph.js').Value} Value */

/** Kernels whose result is their input under another shape. */
const VIEWS = new Set(['Reshape', 'Identity', 'ExpandDims']);

/** @param {Pick<Value, 'dtype' | 'shape'>} value */
export function bytesOf({ dtype, shape }) {
  return (dtype === 'bool' ? 1 : 4) * shape.reduce((product, size) => product * size, 1);
}

/**
 * Bytes that the values made inside a graph occupy at the moment when they are the most, if the nodes run in their order
 * and each value's memory is given back after its last use. Inputs and constants are not counted; results, which live to
 * the end, are. A view takes no memory and keeps what it shows alive.
 *
 * @param {Block} block
 * @param {{ branch?: (node: Node) => number | undefined }} [options] which block of a node with blocks runs; default:
 *   whichever needs the most
 * @returns {number}
 */
export function liveBytes(block, { branch = () => undefined } = {}) {
  return peak(block, branch, new Map());
}

/**
 * @param {Block} block
 * @param {(node: Node) => number | undefined} branch
 * @param {ReadonlyMap<Value, Value>} shown of enclosing blocks, what their views show
 * @returns {number}
 */
function peak(block, branch, shown) {
  const views = new Map(shown);
  /** @param {Value} value @returns {Value} */
  const storage = (value) => views.get(value) ?? value;
  for (const { op, inputs, outputs } of block.nodes) {
    const [input] = inputs;
    const [output] = outputs;
    if (VIEWS.has(op) && input !== undefined && output !== undefined) views.set(output, storage(input));
  }
  /** @type {Map<Value, number>} */
  const lastUse = new Map();
  for (const [index, node] of block.nodes.entries()) {
    for (const value of usedBy(node)) lastUse.set(storage(value), index);
  }
  for (const value of block.outputs) lastUse.set(storage(value), block.nodes.length);

  /** @type {Set<Value>} */
  const live = new Set();
  let [bytes, most] = [0, 0];
  for (const [index, node] of block.nodes.entries()) {
    for (const output of node.outputs) {
      if (output.constant !== undefined || storage(output) !== output) continue;
      live.add(output);
      bytes += bytesOf(output);
    }
    const inner = (node.blocks ?? []).map((nested) => peak(nested, branch, views));
    const taken = branch(node);
    // A block's results become the node's own.
    const results = node.outputs.reduce((sum, output) => sum + bytesOf(output), 0);
    const nested =
      inner.length === 0 ? 0 : (taken === undefined ? Math.max(...inner) : Number(inner[taken])) - results;
    most = Math.max(most, bytes + Math.max(0, nested));
    for (const value of live) {
      if ((lastUse.get(value) ?? -1) > index) continue;
      live.delete(value);
      bytes -= bytesOf(value);
    }
  }
  return most;
}

/** Values that a node reads, in its blocks too. @param {Node} node @returns {Value[]} */
function usedBy({ inputs, blocks = [] }) {
  return [...inputs, ...blocks.flatMap(({ nodes, outputs }) => [...nodes.flatMap(usedBy), ...outputs])];
}
