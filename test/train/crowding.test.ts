import { describe, expect, it } from 'vitest';
import { Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { runConfig } from '../../lib/train/config';
import { CrowdingWatch } from '../../lib/train/crowding';
import { trainLoop } from '../../lib/train/loop';
import { prepareRun } from '../../lib/train/prepare';
import { namedHostTensors } from '../../lib/train/state';

describe('a watch over the cores', () => {
  it('judges a second at a time, by the share of the threads’ time that was had', () => {
    const watch = new CrowdingWatch(2);
    expect(watch.add(600, 600)).toBe(false);
    expect(watch.add(600, 600)).toBe(true);
    expect(watch.add(1100, 2 * 1100)).toBe(false);
    expect(watch.add(1100, 0.81 * 2 * 1100)).toBe(false);
    expect(watch.add(1100, 0.79 * 2 * 1100)).toBe(true);
  });
});

describe('a run beside others', () => {
  const config = runConfig({ modulus: 7, trainFraction: 0.5, dModel: 8, steps: 30, evalEvery: 10, seed: 1 });
  const { step, initial } = prepareRun(config);

  /** A run on a clock on which every look takes 0.3 s, with this much processor time for each second. */
  async function run(processorShare: number) {
    const program = await Program.compile(onnxRuntimeNode, step, initial, { threads: 2 });
    const other = await Program.compile(onnxRuntimeNode, step, initial, { threads: 2, spinning: false });
    let [milliseconds, exchanges] = [0, 0];
    const result = await trainLoop({
      program,
      state: initial,
      steps: config.steps,
      evalEvery: config.evalEvery,
      callSeconds: 0,
      now: () => {
        milliseconds += 300;
        return milliseconds;
      },
      idleThreads: {
        threads: 2,
        processorTime: () => milliseconds * processorShare,
        sleeping: async () => {
          exchanges++;
          return other;
        },
      },
    });
    await Promise.all([program.release(), other.release()]);
    return { result, exchanges };
  }

  it('lets its waiting threads sleep, once and for all, with the same numbers', async () => {
    const [alone, crowded] = [await run(2), await run(1)];
    expect([alone.exchanges, crowded.exchanges]).toEqual([0, 1]);
    expect(crowded.result.evaluations).toEqual(alone.result.evaluations);
    expect(namedHostTensors(crowded.result.state.params)).toEqual(
      namedHostTensors(alone.result.state.params),
    );
  });
});
