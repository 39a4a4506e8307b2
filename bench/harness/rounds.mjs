/**
 * @file Interleaved rounds: in each round every contender trains for the same time, one after the other in a random
 * order, so that whatever else the machine does falls on all of them alike.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { shuffled } from './statistics.mjs';

/**
 * What takes turns; `Contender` is one.
 * @typedef {{ spec: { name: string }, train: (steps: number) => Promise<number> }} Trainer
 */

/**
 * @typedef {object} RoundOptions
 * @property {number} rounds
 * @property {number} [turnMs] how long a turn should last; default 1,500
 * @property {number} [pauseMs] pause before a turn, in which the threads of the one before go to sleep; default 50
 * @property {() => number} [random] uniform on [0, 1)
 * @property {(round: number, name: string) => void} [onTurn] called before each turn; round 0 is the warm-up
 */

/** Steps that fill a turn at this speed; at least one. @param {number} turnMs @param {number} msPerStep */
export function stepsOfTurn(turnMs, msPerStep) {
  return Math.max(1, Math.round(turnMs / msPerStep));
}

/**
 * Warms every contender up with a turn of its own, then runs the rounds.
 *
 * @template {Trainer} T
 * @param {readonly T[]} trainers
 * @param {RoundOptions} options
 * @returns {Promise<Map<T, number[]>>} ms a step, one number a round
 */
export async function interleave(trainers, options) {
  const { rounds, turnMs = 1_500, pauseMs = 50, random = Math.random, onTurn = () => {} } = options;
  /** @type {Map<T, number>} */
  const turnSteps = new Map();
  for (const trainer of trainers) {
    onTurn(0, trainer.spec.name);
    await sleep(pauseMs);
    const steps = stepsOfTurn(turnMs, await trainer.train(2));
    turnSteps.set(trainer, stepsOfTurn(turnMs, await trainer.train(steps)));
  }
  /** @type {Map<T, number[]>} */
  const times = new Map(trainers.map((trainer) => [trainer, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const trainer of shuffled(trainers, random)) {
      onTurn(round, trainer.spec.name);
      await sleep(pauseMs);
      times.get(trainer)?.push(await trainer.train(turnSteps.get(trainer) ?? 1));
    }
  }
  return times;
}
