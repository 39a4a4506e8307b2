import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Graph, PASSES, Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { sizeOf } from '../../lib/figures/figure';
import { programGraph } from '../../lib/figures/program-graph';
import { renderer } from './renderer';
import { overlaps, texts } from './svg';

const points = tf.tensor2d([0.5, 1, 1.5, 2], [4, 1]);

/** A line through four points, by gradient descent. */
const step = ({ w, b }: { w: tf.Tensor2D; b: tf.Scalar }) => {
  const loss = (w: tf.Tensor2D, b: tf.Scalar) =>
    tf.mean(tf.square(tf.sub(tf.add(tf.matMul(points, w), b), 3))) as tf.Scalar;
  const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) =>
    loss(...(args as [tf.Tensor2D, tf.Scalar])),
  )([w, b]);
  const [dw, db] = grads as [tf.Tensor, tf.Tensor];
  return {
    state: { w: tf.sub(w, tf.mul(0.1, dw)) as tf.Tensor2D, b: tf.sub(b, tf.mul(0.1, db)) as tf.Scalar },
    metrics: { loss: value },
  };
};

const names = { inputs: ['w', 'b'], outputs: ['next w', 'next b', 'loss'] };

async function graphOf(passes: typeof PASSES): Promise<Graph> {
  const program = await Program.compile(
    onnxRuntimeNode,
    step,
    { w: tf.zeros<tf.Rank.R2>([1, 1]), b: tf.scalar(0) },
    { passes },
  );
  await program.release();
  return program.graph;
}

describe('programGraph', () => {
  it('has a box for every kernel, input, output and constant that is not one number', async () => {
    const graph = await graphOf(PASSES);
    const { layout } = programGraph(graph, names);
    // The points are the only constant that is not one number.
    expect(layout.shapes).toHaveLength(graph.nodes.length + 2 + 3 + 1);
    const captions = (layout.annotations as { text: string }[]).map(({ text }) => text);
    for (const name of [...names.inputs, ...names.outputs])
      expect(captions.filter((text) => text.startsWith(`<b>${name}</b>`))).toHaveLength(1);
    expect(captions.filter((text) => text.startsWith('<b>constant</b>'))).toEqual([
      expect.stringContaining('[4, 1]'),
    ]);
    expect(captions.some((text) => text.startsWith('<b>Multiply 0.1</b>'))).toBe(true);
  });

  it.each(['all passes', 'no pass'])(
    '%s: every label is in the picture and none over another',
    async (which) => {
      const figure = programGraph(await graphOf(which === 'no pass' ? [] : PASSES), names);
      const { width, height } = sizeOf(figure);
      const labels = texts(await renderer.svg(figure, { width, height }), renderer.measure);
      expect(labels.length).toBeGreaterThan(15);
      expect(
        labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
      ).toEqual([]);
      expect(overlaps(labels)).toEqual([]);
    },
  );

  it('refuses a graph too large to read', async () => {
    const { nodes, ...rest } = await graphOf([]);
    const many = { ...rest, nodes: Array.from({ length: 301 }, () => nodes[0] as (typeof nodes)[0]) };
    expect(() => programGraph(many)).toThrow('the graph has 301 kernels, expected at most 300');
  });
});
