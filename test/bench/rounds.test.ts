import { describe, expect, it } from 'vitest';
import { interleave, stepsOfTurn } from '../../bench/harness/rounds.mjs';

/** Trainers of given speeds that note whose turn it was, and fail if two train at once. */
function trainers(speeds: Record<string, number>) {
  const turns: { name: string; steps: number }[] = [];
  let busy = false;
  const list = Object.entries(speeds).map(([name, msPerStep]) => ({
    spec: { name },
    async train(steps: number) {
      if (busy) throw new Error('two contenders trained at once');
      busy = true;
      turns.push({ name, steps });
      await new Promise((resolve) => setImmediate(resolve));
      busy = false;
      return msPerStep + turns.length / 1000;
    },
  }));
  return { list, turns };
}

describe('interleave', () => {
  it('gives every contender one turn a round, one at a time, for the same time', async () => {
    const { list, turns } = trainers({ slow: 100, quick: 10 });
    const times = await interleave(list, { rounds: 4, turnMs: 1000, pauseMs: 0 });
    expect([...times.values()].map((rounds) => rounds.length)).toEqual([4, 4]);
    const measured = turns.slice(-8);
    for (let round = 0; round < 4; round++) {
      const names = measured.slice(2 * round, 2 * round + 2).map(({ name }) => name);
      expect(names.sort()).toEqual(['quick', 'slow']);
    }
    for (const { name, steps } of measured) expect(steps).toBe(name === 'slow' ? 10 : 100);
  });

  it('keeps the warm-up out of the figures', async () => {
    const { list, turns } = trainers({ only: 10 });
    const [times] = (await interleave(list, { rounds: 2, turnMs: 100, pauseMs: 0 })).values();
    expect(turns).toHaveLength(4);
    expect(times).toEqual([10.003, 10.004]);
  });

  it('draws a new order for every round', async () => {
    const { list } = trainers({ a: 10, b: 10 });
    const order: string[] = [];
    const draws = [0.9, 0.1, 0.1, 0.9];
    await interleave(list, {
      rounds: 4,
      turnMs: 10,
      pauseMs: 0,
      random: () => draws.shift() as number,
      onTurn: (round, name) => {
        if (round > 0) order.push(`${round}${name}`);
      },
    });
    expect(order).toEqual(['1a', '1b', '2b', '2a', '3b', '3a', '4a', '4b']);
  });
});

describe('stepsOfTurn', () => {
  it('is never less than one step', () => {
    expect(stepsOfTurn(1500, 40)).toBe(38);
    expect(stepsOfTurn(1500, 90_000)).toBe(1);
  });
});
