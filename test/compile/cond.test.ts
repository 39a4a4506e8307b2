import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  CompileError,
  compileFunction,
  cond,
  type HostTensor,
  Program,
  type Step,
  withBackend,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { trace } from '../../lib/compile/trace/trace';
import { messageOf } from '../support/one-line';
import { agree, type Case } from './kernels/agreement';
import { host } from './kernels/arbitraries';

const positive = (x: tf.Tensor) => tf.greater(tf.sum(x), 0);

/** A function run on an input that takes each branch, eagerly and compiled. */
function bothWays(name: string, f: (x: tf.Tensor) => tf.Tensor | tf.Tensor[]): Promise<void> {
  return agree(
    [
      [1, 2, 3],
      [-1, -2, -3],
      [-1, 2, -3],
      [1, -2, 3],
    ].map((data): Case => ({ name: `${name} of ${data}`, f, inputs: [host(data)], gradient: false })),
    'Cond',
  );
}

describe('cond agrees with eager tfjs, both ways', () => {
  it('on what the branches compute', () =>
    bothWays('two results', (x) => {
      const { y, n } = cond<{ y: tf.Tensor; n: tf.Tensor }>(
        positive(x),
        () => ({ y: tf.exp(x), n: tf.scalar(1, 'int32') }),
        () => ({ y: tf.neg(x), n: tf.scalar(2, 'int32') }),
      );
      return [y, n];
    }));

  it('on values from outside, handed through or shared by both', () =>
    bothWays('captured', (x) => {
      const outer = tf.mul(x, 2);
      const { a, b } = cond<{ a: tf.Tensor; b: tf.Tensor }>(
        positive(x),
        () => ({ a: outer, b: tf.add(outer, x) }),
        () => ({ a: x, b: tf.sub(outer, 1) }),
      );
      return [tf.add(a, 1), b, outer];
    }));

  it('on constants, and on results that are the same value', () =>
    bothWays('constants', (x) => {
      const { a, b } = cond<{ a: tf.Tensor; b: tf.Tensor }>(
        positive(x),
        () => ({ a: tf.scalar(Number.NaN), b: tf.scalar(5) }),
        () => {
          const same = tf.mean(x);
          return { a: same, b: same };
        },
      );
      return [a, b];
    }));

  it('where one choice stands in another', () =>
    bothWays('nested', (x) => {
      const large = tf.greater(tf.max(tf.abs(x)), 2.5);
      const first = tf.greater(tf.sum(tf.slice(x, 0, 1)), 0);
      const inner = (f: (x: tf.Tensor) => tf.Tensor) =>
        cond(
          first,
          () => ({ y: f(x) }),
          () => ({ y: tf.mul(f(x), 10) }),
        );
      return cond(
        large,
        () =>
          cond(
            positive(x),
            () => inner(tf.exp),
            () => inner(tf.square),
          ),
        () => inner(tf.neg),
      ).y;
    }));

  it('where the branches name their results in another order', () =>
    bothWays('order', (x) => {
      const { a, b } = cond<{ a: tf.Tensor; b: tf.Tensor }>(
        positive(x),
        () => ({ a: tf.mul(x, 1000), b: x }),
        () => ({ b: tf.mul(x, 2), a: tf.mul(x, 3) }),
      );
      return [a, b];
    }));

  it('where one follows another', () =>
    bothWays('sequence', (x) => {
      const { y } = cond(
        positive(x),
        () => ({ y: tf.neg(x) }),
        () => ({ y: tf.mul(x, 3) }),
      );
      return cond(
        positive(y),
        () => ({ z: tf.add(y, x) }),
        () => ({ z: tf.sub(y, x) }),
      ).z;
    }));
});

it('lets no gradient through, eagerly as compiled', () =>
  agree(
    [
      [1, 2, 3],
      [-1, -2, -3],
    ].map((data) => ({
      name: `${data}`,
      f: (x: tf.Tensor) =>
        tf.mul(
          x,
          cond(
            positive(x),
            () => ({ y: tf.square(x) }),
            () => ({ y: tf.exp(x) }),
          ).y,
        ),
      inputs: [host(data)],
    })),
    'Cond',
  ));

describe('cond in a compiled step', () => {
  it('chooses anew in every step', async () => {
    const start = { n: host([0], [], 'int32'), total: host([0], []) };
    const step = (({ n, total }: Record<'n' | 'total', tf.Tensor>) => {
      const third = tf.equal(tf.mod(n, tf.scalar(3, 'int32')), tf.scalar(0, 'int32'));
      const { seen } = cond(
        third,
        () => ({ seen: tf.mul(total, 10) }),
        () => ({ seen: tf.scalar(Number.NaN) }),
      );
      return { state: { n: tf.add(n, tf.scalar(1, 'int32')), total: tf.add(total, 1) }, metrics: { seen } };
    }) as Step;
    const program = await Program.compile(onnxRuntimeNode, step, start);
    const { metrics } = await program.run(program.put(start), { steps: 7 });
    await program.release();
    const nan = Number.NaN;
    expect([...(metrics.seen as HostTensor).data]).toEqual([0, nan, nan, 30, nan, nan, 60]);
  });

  it('computes the chosen branch alone', async () => {
    // A row that does not exist is an error where it is taken, and only there.
    const inputs = [host([1, 2, 3]), host([7], [1], 'int32'), host([0], [], 'bool')];
    const f = (x: tf.Tensor, row: tf.Tensor, take: tf.Tensor) =>
      cond(
        take,
        () => ({ y: tf.gather(x, row as tf.Tensor1D) }),
        () => ({ y: tf.slice(x, 0, 1) }),
      ).y;
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (given) => [f(...(given as [tf.Tensor, tf.Tensor, tf.Tensor]))],
      inputs,
    );
    expect((await compiled.run(inputs))[0]?.data).toEqual(Float32Array.of(1));
    await expect(compiled.run([...inputs.slice(0, 2), host([1], [], 'bool')])).rejects.toThrow('idx=7');
    await compiled.release();
  });

  it('calls one branch eagerly, and both while it is traced', () => {
    const called: string[] = [];
    const choose = (x: tf.Tensor) =>
      cond(
        positive(x),
        () => {
          called.push('true');
          return { y: x };
        },
        () => {
          called.push('false');
          return { y: tf.neg(x) };
        },
      ).y;
    withBackend('cpu', () => tf.tidy(() => choose(tf.tensor1d([-1])).dataSync()));
    expect(called).toEqual(['false']);
    trace((inputs) => inputs.map(choose), [{ dtype: 'float32', shape: [1] }]);
    expect(called).toEqual(['false', 'true', 'false']);
  });
});

describe('cond refuses in one line', () => {
  /** The message without the line, which must be one of this file. */
  const refusal = (f: (x: tf.Tensor) => tf.Tensor) => {
    const spec = { dtype: 'float32', shape: [3] } as const;
    const message = messageOf(CompileError, () => trace((inputs) => inputs.map(f), [spec]));
    const [what, line] = message.split('; called at ');
    expect(line ?? 'cond.test.ts').toContain('cond.test.ts');
    return what;
  };
  type Results = Record<string, tf.Tensor>;
  const branches = (whenTrue: (x: tf.Tensor) => Results, otherwise: (x: tf.Tensor) => Results) =>
    refusal(
      (x) =>
        cond(
          positive(x),
          () => whenTrue(x),
          () => otherwise(x),
        ).y as tf.Tensor,
    );

  it('a condition that is no bool scalar', () => {
    expect(
      refusal(
        (x) =>
          cond(
            tf.sum(x),
            () => ({ x }),
            () => ({ x }),
          ).x,
      ),
    ).toBe('the condition of cond is float32[], expected bool[]');
    expect(
      refusal(
        (x) =>
          cond(
            tf.greater(x, 0),
            () => ({ x }),
            () => ({ x }),
          ).x,
      ),
    ).toBe('the condition of cond is bool[3], expected bool[]');
  });

  it('the same eagerly', () => {
    const eager = () =>
      withBackend('cpu', () =>
        tf.tidy(() =>
          cond(
            tf.scalar(1),
            () => ({}),
            () => ({}),
          ),
        ),
      );
    expect(messageOf(CompileError, eager)).toContain('expected bool[]');
  });

  it('branches that differ in shape or type', () => {
    expect(
      branches(
        (y) => ({ y }),
        (x) => ({ y: tf.sum(x) }),
      ),
    ).toBe("the branches of cond return different forms of 'y': float32[3] and float32[]");
    expect(
      branches(
        (y) => ({ y }),
        (x) => ({ y: tf.greater(x, 0) }),
      ),
    ).toBe("the branches of cond return different forms of 'y': float32[3] and bool[3]");
  });

  it('branches that differ in names', () => {
    const message = "the branches of cond return different names: 'y' and ";
    expect(
      branches(
        (y) => ({ y }),
        (z) => ({ z }),
      ),
    ).toBe(`${message}'z'`);
    expect(
      branches(
        (y) => ({ y }),
        (y) => ({ y, z: y }),
      ),
    ).toBe(`${message}'y,z'`);
    expect(
      branches(
        (y) => ({ y }),
        () => ({}),
      ),
    ).toBe(`${message}''`);
  });

  it.each([
    ['a tensor by itself', tf.neg, 'float32[3] by itself'],
    ['a promise', async () => ({}), 'a promise'],
    ['nothing', () => undefined, 'undefined'],
    ['a number', () => ({ y: 1 }), "'y', which is no tensor"],
  ])('a branch that returns %s, eagerly too', (_, body, found) => {
    const f = (x: tf.Tensor) => {
      const branch = () => body(x) as unknown as { y: tf.Tensor };
      return cond(positive(x), branch, branch).y;
    };
    const message = `a branch of cond returns ${found}, expected a record of tensors, such as { y: tensor }`;
    expect(refusal(f)).toBe(message);
    const eager = () => withBackend('cpu', () => tf.tidy(() => f(tf.tensor1d([1, 2, 3]))));
    expect(messageOf(CompileError, eager)).toContain(message);
  });

  it('a gradient through its results', () => {
    const through = tf.grad(
      (x) =>
        cond(
          positive(x),
          () => ({ y: tf.sum(x) }),
          () => ({ y: tf.mean(x) }),
        ).y as tf.Tensor,
    );
    expect(() =>
      trace((inputs) => inputs.map((x) => through(x)), [{ dtype: 'float32', shape: [3] }]),
    ).toThrow('Cannot compute gradient');
    expect(() => withBackend('cpu', () => tf.tidy(() => through(tf.tensor1d([1, 2, 3]))))).toThrow(
      'Cannot compute gradient',
    );
  });
});
