/** @file Records kernel calls, in nested blocks, as the nodes of a graph. */
import { CompileError } from '../errors';
import { type Attributes, type Block, makeValue, type Node, type Value } from '../graph';
import type { Declared } from '../kernels/rule';
import { refusal } from '../kernels/rule';
import { kernelRule } from '../kernels/table';
import { callSite } from './call-site';

/** The state of one trace: the blocks that are open, innermost last. */
export class Recorder {
  private readonly open: Node[][] = [[]];

  /** Records a call of a kernel that has a rule and returns its results. */
  call(kernel: string, named: Readonly<Record<string, Value | undefined>>, attrs: Attributes): Value[] {
    const rule = kernelRule(kernel);
    if (rule === undefined) {
      const given = Object.values(named).filter((value) => value !== undefined);
      throw refusal(
        kernel,
        given,
        'it has no lowering to ONNX; write it with others (compilableKernels() lists them) or run it eagerly',
      );
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
    const specs = rule.infer(inputs as unknown as Declared<Value>, attrs);
    const outputs = ('dtype' in specs ? [specs] : specs).map(({ dtype, shape }) => makeValue(dtype, shape));
    this.add({ op: kernel, inputs, outputs, attrs });
    return outputs;
  }

  /** Records a node, with the user's line. */
  add(node: Node): void {
    const source = callSite();
    this.current().push(source === undefined ? node : { ...node, source });
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
