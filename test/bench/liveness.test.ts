import { describe, expect, it } from 'vitest';
import { bytesOf, liveBytes } from '../../bench/harness/liveness.mjs';
import { type Block, makeValue, type Node, type Value } from '../../lib/compile/graph';

const matrix = () => makeValue('float32', [10, 10]); // 400 bytes
const node = (op: string, inputs: Value[], outputs: Value[], blocks?: Block[]): Node => ({
  op,
  inputs,
  outputs,
  attrs: {},
  ...(blocks === undefined ? {} : { blocks }),
});

describe('liveBytes', () => {
  const [input, a, b, c] = [matrix(), matrix(), matrix(), matrix()] as [Value, Value, Value, Value];

  it('gives memory back after the last use', () => {
    const chain = {
      nodes: [node('Exp', [input], [a]), node('Exp', [a], [b]), node('Exp', [b], [c])],
      outputs: [c],
    };
    expect(liveBytes(chain)).toBe(800);
  });

  it('keeps what is used later', () => {
    const reuse = {
      nodes: [node('Exp', [input], [a]), node('Exp', [a], [b]), node('Add', [a, b], [c])],
      outputs: [c],
    };
    expect(liveBytes(reuse)).toBe(1200);
  });

  it('keeps results to the end', () => {
    const both = {
      nodes: [node('Exp', [input], [a]), node('Exp', [input], [b]), node('Exp', [b], [c])],
      outputs: [a, c],
    };
    expect(liveBytes(both)).toBe(1200);
  });

  it('counts no input, no constant, and no result that nobody reads once it is made', () => {
    const constant = makeValue('float32', [1000], { fill: 1 });
    const unread = { nodes: [node('Add', [input, constant], [a]), node('Exp', [input], [b])], outputs: [b] };
    expect(liveBytes(unread)).toBe(400);
  });

  it('counts a view as what it shows', () => {
    const flat = makeValue('float32', [100]);
    const views = {
      nodes: [
        node('Exp', [input], [a]),
        node('Reshape', [a], [flat]),
        node('Exp', [input], [b]),
        node('Add', [flat, b], [c]),
      ],
      outputs: [c],
    };
    expect(liveBytes(views)).toBe(1200);
    expect(liveBytes({ nodes: views.nodes.slice(0, 2), outputs: [flat] })).toBe(400);
  });

  it('adds the block that runs to what is alive around it', () => {
    const inner = (values: Value[]): Block => ({
      nodes: values.map((value) => node('Exp', [a], [value])),
      outputs: values.slice(-1),
    });
    const [large, small] = [inner([matrix(), makeValue('float32', [1])]), inner([makeValue('float32', [1])])];
    const result = makeValue('float32', [1]);
    const flag = makeValue('bool', []);
    const graph = {
      nodes: [
        node('Exp', [input], [a]),
        node('Cond', [flag], [result], [large, small]),
        node('Add', [a, result], [c]),
      ],
      outputs: [c],
    };
    expect(liveBytes(graph)).toBe(804);
    const lean = { ...graph, nodes: [...graph.nodes.slice(0, 2)], outputs: [result] };
    expect(liveBytes(lean)).toBe(800);
    expect(liveBytes(lean, { branch: () => 1 })).toBe(404);
  });

  it('knows the sizes of types', () => {
    expect([bytesOf(makeValue('bool', [7])), bytesOf(makeValue('int32', [])), bytesOf(matrix())]).toEqual([
      7, 4, 400,
    ]);
  });
});
