/** @file Turns a graph into ONNX nodes by the kernel table. */
import { CompileError, withSource } from '../errors';
import { type Block, constantData, type Node, type Value } from '../graph';
import type { Operand } from '../kernels/rule';
import { kernelRule } from '../kernels/table';
import type { Emitter, Name } from './emitter';
import type { OnnxGraph, ValueInfo } from './proto';

/** Where each value lives in the ONNX graph. */
export class Names {
  private readonly names = new Map<Value, Name>();

  set(value: Value, name: Name): void {
    this.names.set(value, name);
  }

  /** The name of a value; a constant is written on first use. */
  get(emit: Emitter, value: Value): Name {
    const known = this.names.get(value);
    if (known !== undefined) return known;
    const name = emit.constant(value.dtype, value.shape, constantData(value));
    this.names.set(value, name);
    return name;
  }
}

/** Lowers the nodes of a block, in order. */
export function lowerNodes(emit: Emitter, names: Names, block: Block): void {
  for (const node of block.nodes) {
    const results = node.blocks === undefined ? lowerKernel(emit, names, node) : lowerCond(emit, names, node);
    for (const [index, output] of node.outputs.entries()) names.set(output, results[index] as Name);
  }
}

function lowerKernel(emit: Emitter, names: Names, node: Node): readonly Name[] {
  const rule = kernelRule(node.op);
  if (rule === undefined)
    throw new CompileError(`the operation '${node.op}' cannot be compiled: it has no lowering to ONNX`);
  const operands = node.inputs.map(
    (value): Operand => ({
      ...value,
      get name() {
        return names.get(emit, value);
      },
    }),
  );
  const result = withSource(node.source, () => rule.lower(emit, operands, node));
  return typeof result === 'string' ? [result] : result;
}

function lowerCond(emit: Emitter, names: Names, node: Node): readonly Name[] {
  const [whenTrue, otherwise] = (node.blocks as readonly Block[]).map((block) => branch(emit, names, block));
  return emit.multi('If', [names.get(emit, node.inputs[0] as Value)], node.outputs.length, {
    then_branch: whenTrue as OnnxGraph,
    else_branch: otherwise as OnnxGraph,
  });
}

function branch(parent: Emitter, names: Names, block: Block): OnnxGraph {
  const emit = parent.nested();
  lowerNodes(emit, names, block);
  // A branch returns only what it makes itself.
  const outputs = block.outputs.map((value): ValueInfo => {
    const name = emit.node('Identity', [names.get(emit, value)]);
    return { name, type: emit.typeOf(value.dtype), shape: value.shape };
  });
  return { name: emit.fresh('branch'), nodes: emit.nodes, initializers: [], inputs: [], outputs };
}
