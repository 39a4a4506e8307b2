/** @file Records kernel calls, in nested blocks, as the nodes of a graph. */
import { CompileError, withSource } from '../errors';
import { type Attributes, type Block, makeValue, type Node, type Value } from '../graph';
import { REFUSED } from '../kernels/refused';
import type { Declared, KernelRule } from '../kernels/rule';
import { refusal, ShapeMismatch } from '../kernels/rule';
import { kernelRule } from '../kernels/table';
import { callSite } from './call-site';

/** The state of one trace: the blocks that are open, innermost last. */
export class Recorder {
  private readonly open: Node[][] = [[]];
  private readonly producers = new Map<Value, Node>();

  /**
   * Records a call of a kernel and returns its results.
   * @throws CompileError with the user's line where the kernel has no rule or its rule refuses the inputs.
   */
  call(kernel: string, named: Readonly<Record<string, Value | undefined>>, attrs: Attributes): Value[] {
    const source = callSite();
    const node = withSource(source, () => nodeOf(kernel, named, attrs));
    return this.record(node, source);
  }

  /** Records a node that is no kernel call, with the user's line. */
  add(node: Node): void {
    this.record(node, callSite());
  }

  /** The node that makes a value; `undefined` for inputs and constants. */
  producer(value: Value): Node | undefined {
    return this.producers.get(value);
  }

  private record(node: Node, source: string | undefined): Value[] {
    const recorded = source === undefined ? node : { ...node, source };
    this.current().push(recorded);
    for (const output of node.outputs) this.producers.set(output, recorded);
    return [...node.outputs];
  }

  /** Records what `body` calls as a block of its own. */
  block(body: () => readonly Value[]): Block {
    const nodes: Node[] = [];
    this.open.push(nodes);
    try {
      return { nodes, outputs: body() };
    } finally {
      this.open.pop();
    }
  }

  private current(): Node[] {
    const nodes = this.open.at(-1);
    if (nodes === undefined) throw new Error('the recorder has no open block');
    return nodes;
  }
}

/** The call of a kernel, with the results that its rule infers. */
function nodeOf(kernel: string, named: Readonly<Record<string, Value | undefined>>, attrs: Attributes): Node {
  const rule = kernelRule(kernel);
  if (rule === undefined) {
    const given = Object.values(named).filter((value) => value !== undefined);
    const reason =
      REFUSED.get(kernel) ?? 'it has no lowering to ONNX; write it with others or run it eagerly';
    throw refusal(kernel, given, reason);
  }
  const order = rule.inputs === 'variadic' ? Object.keys(named) : rule.inputs;
  const inputs = order.map((name) => {
    const value = named[name];
    if (value === undefined)
      throw new CompileError(`the operation '${kernel}' was called without its input '${name}'`);
    return value;
  });
  const { types } = rule;
  if (types !== undefined && !inputs.every(({ dtype }) => types.includes(dtype))) {
    throw refusal(kernel, inputs, `it takes ${types.join(' or ')}; cast its inputs first`);
  }
  const specs = inferred(rule, kernel, inputs, attrs);
  const outputs = ('dtype' in specs ? [specs] : specs).map(({ dtype, shape }) => makeValue(dtype, shape));
  return { op: kernel, inputs, outputs, attrs };
}

function inferred(rule: KernelRule, kernel: string, inputs: readonly Value[], attrs: Attributes) {
  try {
    return rule.infer(inputs as unknown as Declared<Value>, attrs);
  } catch (error) {
    if (error instanceof ShapeMismatch) throw refusal(kernel, inputs, error.message);
    throw error;
  }
}
