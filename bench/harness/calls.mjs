/** @file A program that trains in calls as long as the training loop's. */

/** How long one call of the program lasts, about, as in the training loop; ms. */
const CALL = 250;

/**
 * @template State
 * @param {{ run(state: State, options: { steps: number }): Promise<{ state: State }> }} program
 * @param {State} start
 * @returns {(steps: number) => Promise<void>} trains so many steps more
 */
export function inCalls(program, start) {
  let state = start;
  let callSteps = 3;
  return async (steps) => {
    for (let left = steps; left > 0; ) {
      const count = Math.min(callSteps, left);
      const before = performance.now();
      ({ state } = await program.run(state, { steps: count }));
      callSteps = Math.max(1, Math.round((CALL * count) / (performance.now() - before)));
      left -= count;
    }
  };
}
