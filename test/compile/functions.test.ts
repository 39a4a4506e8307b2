import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, compileFunction, gelu, type HostTensor, silu, stopGradient } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf } from '../support/one-line';
import { agree, agreeOn } from './kernels/agreement';
import { host, shapes, tensors } from './kernels/arbitraries';
import { expectGradientsOfDifferences } from './kernels/differences';

type Curve = { readonly value: readonly number[]; readonly gradient: readonly number[] };

/** Values and gradients that PyTorch gives in double precision. */
const reference = JSON.parse(
  readFileSync(new URL('./reference/activations.json', import.meta.url), 'utf8'),
) as { readonly x: readonly number[] } & Record<'gelu' | 'geluTanh' | 'silu', Curve>;

const FUNCTIONS = {
  gelu: (x: tf.Tensor) => gelu(x),
  geluTanh: (x: tf.Tensor) => gelu(x, { approximate: 'tanh' }),
  silu: (x: tf.Tensor) => silu(x),
} as const;

type Name = keyof typeof FUNCTIONS;
const NAMES = Object.keys(FUNCTIONS) as Name[];

describe.each(NAMES)('%s', (name) => {
  const f = FUNCTIONS[name];

  it('agrees eagerly and compiled, value and gradient', () =>
    agreeOn(
      name === 'gelu' ? 'Erf' : name === 'silu' ? 'Sigmoid' : 'Tanh',
      shapes()
        .chain((shape) => tensors(shape, 'float32', { low: -12, high: 12 }))
        .map((x) => ({ name: `[${x.shape}]`, f: (given) => f(given), inputs: [x], absolute: true })),
    ));

  it('is PyTorch’s, value and gradient', async () => {
    const x: HostTensor = host(reference.x);
    const compiled = await compileFunction(
      onnxRuntimeNode,
      ([given]) => [f(given as tf.Tensor), tf.grad(f)(given as tf.Tensor)],
      [x],
    );
    const [value, gradient] = await compiled.run([x]);
    await compiled.release();
    reference.x.forEach((at, i) => {
      const [expected, slope] = [reference[name].value[i] as number, reference[name].gradient[i] as number];
      expect(Math.abs((value?.data[i] as number) - expected), `${name}(${at})`).toBeLessThanOrEqual(
        3e-7 * Math.max(1, Math.abs(expected)),
      );
      expect(Math.abs((gradient?.data[i] as number) - slope), `${name}'(${at})`).toBeLessThanOrEqual(1e-6);
    });
  });

  it('has the gradient of finite differences', () =>
    expectGradientsOfDifferences((x) => f(x), [host([-6, -2.5, -1, -0.1, 0, 0.2, 1.3, 2, 7], [3, 3])]));

  it('takes scalars, nothing, infinities and NaN', () =>
    agree([
      { name: 'a scalar', f: (x) => f(x), inputs: [host([0.5], [])], absolute: true },
      { name: 'nothing', f: (x) => f(x), inputs: [host([], [0, 3])], gradient: false },
      {
        name: 'ends',
        f: (x) => f(x),
        inputs: [host([Number.POSITIVE_INFINITY, Number.NaN, 1e30, -1e30])],
        gradient: false,
      },
    ]));
});

describe('silu', () => {
  it('keeps its relative precision where it is almost 0', async () => {
    const x = host([-20, -40, -80]);
    const compiled = await compileFunction(onnxRuntimeNode, ([given]) => [silu(given as tf.Tensor)], [x]);
    const [value] = await compiled.run([x]);
    await compiled.release();
    for (const [i, at] of x.data.entries()) {
      const expected = at / (1 + Math.exp(-at));
      expect((value?.data[i] as number) / expected).toBeCloseTo(1, 5);
    }
  });
});

describe('stopGradient', () => {
  it('is the tensor itself, through which nothing flows', () =>
    agree([
      {
        name: 'x·stop(x)',
        f: (x) => tf.mul(x, stopGradient(x)),
        inputs: [host([1, -2, 3])],
      },
    ]));

  it('has the gradient of a constant: x·stop(x) gives x', () => {
    const slope = tf.grad((x) => tf.mul(x, stopGradient(x)))(tf.tensor1d([1, -2, 3]));
    expect([...slope.dataSync()]).toEqual([1, -2, 3]);
  });

  it('adds no kernel to a compiled function', async () => {
    const compiled = await compileFunction(onnxRuntimeNode, ([x]) => [tf.exp(stopGradient(x as tf.Tensor))], [
      { dtype: 'float32', shape: [2] },
    ]);
    await compiled.release();
    expect(compiled.graph.nodes.map(({ op }) => op)).toEqual(['Exp']);
  });
});

describe('gelu and silu refuse in one line', () => {
  it.each([true, 'tan', 'erf'])('the approximation %j', (approximate) => {
    const call = () => gelu(tf.tensor1d([1]), { approximate } as never);
    const given = typeof approximate === 'string' ? `'${approximate}'` : String(approximate);
    expect(messageOf(CompileError, call)).toContain(
      `approximate of gelu is ${given}, expected 'none' or 'tanh'`,
    );
  });

  it.each([
    ['gelu', gelu],
    ['silu', silu],
  ] as const)('whole numbers and what is no tensor: %s', (name, f) => {
    const whole = messageOf(CompileError, () => f(tf.tensor1d([1, 2], 'int32')));
    expect(whole).toContain(`${name} is given int32[2], expected a float32 tensor`);
    expect(messageOf(CompileError, () => f(3 as never))).toContain(`${name} is given 3, expected`);
  });
});
