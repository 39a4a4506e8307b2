/**
 * @file Cuts a short axis, such as the positions of a sequence, into its elements wherever an embedding looks up rows
 * along it. Positions that nothing depends on then fall to dead code, zeros that a slice's gradient pads with are not
 * multiplied, attention over few positions needs no transposes, and each position's distinct rows can be found. Sums
 * over the axis are added in another order.
 *
 * A product of a known zero with an infinity is taken to be zero, and so is its quotient by zero. The sign of a zero may
 * change.
 */
import type { Block, Graph, Node, Value } from '../../graph';
import { Builder } from '../builder';
import { joined as joinedPieces, type Pieces } from './pieces';
import type { Context } from './rule';
import { RULES } from './rules';

export function unrollShortAxes(graph: Graph): Graph {
  const cut = new Map<Value, Pieces>();
  const replaced = new Map<Value, Value>();
  const current = (value: Value): Value => replaced.get(value) ?? value;

  const visit = (block: Block, outer: ReadonlyMap<Value, Value>): Block => {
    const build = new Builder();
    /** Values joined again in this block or one around it. */
    const joined = new Map(outer);
    const whole = (value: Value): Value => {
      const pieces = cut.get(value);
      if (pieces === undefined) return current(value);
      const known = joined.get(value) ?? joinedPieces(build, pieces);
      joined.set(value, known);
      return known;
    };
    const context: Context = { build, pieces: (value) => cut.get(value) };
    for (const node of block.nodes) {
      build.source = node.source;
      const [output] = node.outputs;
      const result =
        node.blocks === undefined && output !== undefined ? applied(node, context, current) : undefined;
      if (result === undefined || output === undefined) {
        const blocks = node.blocks?.map((inner) => visit(inner, joined));
        build.nodes.push({
          ...node,
          inputs: node.inputs.map(whole),
          ...(blocks === undefined ? {} : { blocks }),
        });
      } else if ('cuts' in result) cut.set(output, result);
      else replaced.set(output, result);
    }
    return { outputs: block.outputs.map(whole), nodes: build.nodes };
  };
  return { ...visit(graph, new Map()), inputs: graph.inputs };
}

/** The result of a node's rule, where it has one that fits. A rule that does not fit leaves nodes that nobody uses. */
function applied(node: Node, context: Context, current: (value: Value) => Value): Pieces | Value | undefined {
  const rule = RULES.get(node.op);
  const starts = node.op === 'GatherV2' || node.op === 'PadV2';
  if (rule === undefined || !(starts || node.inputs.some((input) => context.pieces(input) !== undefined))) {
    return undefined;
  }
  // Nothing to gain, and nothing to divide lengths by.
  if ([...node.inputs, ...node.outputs].some(({ shape }) => shape.includes(0))) return undefined;
  return rule({ ...node, inputs: node.inputs.map(current) }, context);
}
