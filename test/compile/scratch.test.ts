import * as tf from '@tensorflow/tfjs-core';
import { it } from 'vitest';
import { trace } from '../../lib/compile/trace/trace';
import { optimize } from '../../lib/compile/passes';
const show = (g: any) => g.nodes.map((n: any) => `${n.op}(${n.inputs.map((v: any) => `${v.dtype}[${v.shape}]${v.constant ? ('fill' in v.constant ? '=' + v.constant.fill : '=data') : ''}`)})`).join('\n  ');
it('x', () => {
  const g = trace(([x]) => [tf.grad((y) => tf.sum(tf.exp(y)) as any)(x!), tf.grad((y) => tf.mean(tf.mul(y,y), 1).sum())(x!), tf.add(x!, tf.zeros([3,4]))], [{ dtype: 'float32', shape: [3, 4] }]);
  console.log(show(g), '\n--\n', show(optimize(g)));
});
