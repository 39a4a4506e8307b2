import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../../lib/compile';
import { allNodes } from '../../../../lib/compile/graph';
import { trace } from '../../../../lib/compile/trace/trace';
import { agree, agreeOn, type Case } from '../agreement';
import { filled, host, tensors } from '../arbitraries';
import { differencesMatchOn } from '../drawn-differences';

/** An axis: its size, and in which of the operands and whether in the result it stands. */
const axis = fc.record({
  size: fc.integer({ min: 1, max: 4 }),
  operands: fc.constantFrom('a', 'b', 'ab'),
  kept: fc.boolean(),
});

const LETTERS = 'abcde';

/** The sum of products over all axes at once, by its definition. */
function bySums(equation: string, given: readonly tf.Tensor[]): tf.Tensor {
  const [terms, result] = equation.split('->') as [string, string];
  const axes = terms.split(',');
  const all = [...new Set(result + axes.join(''))];
  const spread = given.map((x, i) => {
    const own = axes[i] as string;
    const order = all.filter((letter) => own.includes(letter)).map((letter) => own.indexOf(letter));
    const turned = x.rank < 2 ? x : tf.transpose(x, order);
    const shape = all.map((letter) => (own.includes(letter) ? (x.shape[own.indexOf(letter)] as number) : 1));
    return tf.reshape(turned, shape);
  });
  const product = spread.reduce((left, right) => tf.mul(left, right));
  const summed = all.flatMap((letter, axis) => (result.includes(letter) ? [] : [axis]));
  return summed.length === 0 ? product : tf.sum(product, summed);
}

function einsumCase(operands: 1 | 2): fc.Arbitrary<Case> {
  return fc.array(axis, { minLength: 1, maxLength: 5 }).chain((axes) => {
    const all = axes.map((drawn, i) => ({ ...drawn, letter: LETTERS[i] as string }));
    const of = (operand: string) => all.filter((drawn) => operands === 1 || drawn.operands.includes(operand));
    const shuffled = <T>(items: readonly T[]) =>
      fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
    return fc
      .tuple(shuffled(of('a')), shuffled(of('b')), shuffled(all.filter(({ kept }) => kept)))
      .chain(([a, b, result]) => {
        const terms = operands === 1 ? [a] : [a, b];
        const name = (list: typeof all) => list.map(({ letter }) => letter).join('');
        const equation = `${terms.map(name).join(',')}->${name(result)}`;
        return fc.tuple(...terms.map((list) => tensors(list.map(({ size }) => size)))).map((inputs) => ({
          name: `${equation} of [${inputs.map(({ shape }) => shape).join('], [')}]`,
          f: (...given) => tf.einsum(equation, ...given),
          // tfjs's CPU backend gives some of these a wrong shape, and 'a->a' its input under its own name.
          eager: (...given) => bySums(equation, given),
          inputs,
        }));
      });
  });
}

const drawn = { 'one operand': einsumCase(1), 'two operands': einsumCase(2) };

describe('einsum', () => {
  describe.each(Object.entries(drawn))('of %s', (_, cases) => {
    it('agrees with sums of products', () => agreeOn(undefined, cases));
    it('has a gradient, which tfjs lacks, that agrees with finite differences', () =>
      differencesMatchOn(cases));
    it('agrees in float64', () => agreeOn(undefined, cases, { precision: 'float64', batches: 1 }));
  });

  const of = (equation: string, ...inputs: HostTensor[]): Case => ({
    name: equation,
    f: (...given) => tf.einsum(equation, ...given),
    inputs,
  });

  it('agrees with eager tfjs, of integers, spaces in the equation and axes of size 0 too', () =>
    agree([
      of('ij,jk->ik', filled([2, 3], 'int32', {}, 1), filled([3, 4], 'int32', {}, 2)),
      of('bij,bjk->bik', filled([2, 2, 3], 'float32', {}, 1), filled([2, 3, 4], 'float32', {}, 2)),
      of('ijk->ki', filled([2, 3, 4], 'float32', {}, 1)),
      of('ij->', filled([2, 3], 'float32', {}, 1)),
      of('i,j->ij', filled([2], 'float32', {}, 1), filled([3], 'float32', {}, 2)),
      of(' i j , j k -> k i ', filled([2, 3], 'float32', {}, 1), filled([3, 4], 'float32', {}, 2)),
      { ...of('ij,jk->ik', host([], [0, 3]), filled([3, 4], 'float32', {}, 2)), gradient: false },
      { ...of('ij,jk->ik', host([], [2, 0]), host([], [0, 4])), gradient: false },
    ]));

  it.each([
    // Attention's two products, and one turned on both sides.
    ['bqhd,bkhd->bhqk', [2, 5, 3, 4], [2, 6, 3, 4], ['Transpose', 'Transpose', 'BatchMatMul']],
    ['bhqk,bhkd->bhqd', [2, 3, 5, 6], [2, 3, 6, 4], ['BatchMatMul']],
    ['ji,kj->ki', [4, 3], [5, 4], ['BatchMatMul']],
  ])('%s becomes one product and no more transposes than it needs', (equation, a, b, expected) => {
    const graph = trace(
      (given) => [tf.einsum(equation, ...given)],
      [a, b].map((shape) => ({ dtype: 'float32', shape })),
    );
    const operations = allNodes(graph).flatMap(({ op }) => (op === 'Reshape' ? [] : [op]));
    expect(operations).toEqual(expected);
  });

  it.each(['ii->i', 'i...->i', 'ij,jk'])(
    "'%s', which tfjs does not take, is refused as there",
    (equation) => {
      const forms = equation.split(',').map(() => ({ dtype: 'float32', shape: [2, 2] }) as const);
      expect(() => trace((given) => [tf.einsum(equation, ...given)], forms)).toThrow();
    },
  );
});
