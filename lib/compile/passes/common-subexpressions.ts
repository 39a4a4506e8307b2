/** @file Computes once what is computed twice: the same kernel on the same inputs with the same attributes. Changes no value. */
import type { Attributes, Graph, Node, Value } from '../graph';
import { type Rewrite, rewriteGraph } from './rewrite';

/** JSON has no infinities, no NaN and no sign of zero: those numbers go in as text. */
function attributesKey(attrs: Attributes): string {
  return JSON.stringify(attrs, (_, value: unknown) => {
    if (typeof value !== 'number') return value;
    return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
  });
}

export function shareCommonSubexpressions(graph: Graph): Graph {
  const numbers = new Map<Value, number>();
  const number = (value: Value): string => {
    const { constant } = value;
    if (constant !== undefined && 'fill' in constant) {
      return `${value.dtype}[${value.shape.join()}]=${Object.is(constant.fill, -0) ? '-0' : constant.fill}`;
    }
    const known = numbers.get(value) ?? numbers.size;
    numbers.set(value, known);
    return `#${known}`;
  };
  /** A nested block knows what its surroundings have computed, but what it computes stays inside. */
  const scoped = (outer: ReadonlyMap<string, Node>) => {
    const seen = new Map(outer);
    const visit = (node: Node): Rewrite[] => {
      if (node.blocks !== undefined) return [node];
      const key = `${node.op}(${node.inputs.map(number).join()})${attributesKey(node.attrs)}`;
      const twin = seen.get(key);
      if (twin !== undefined) return [{ replaceBy: twin.outputs }];
      seen.set(key, node);
      return [node];
    };
    return { seen, visit };
  };
  const main = scoped(new Map());
  return rewriteGraph(graph, main.visit, () => scoped(main.seen).visit);
}
