/** @file What the test's page runs: the package's browser entry, compiling and training a model. */
import { Program, prepareRun, runConfig, webRuntime } from 'optimal-grokking';

/** Trains in calls of one and of all remaining steps; returns what the test compares and tells. */
globalThis.train = async ({ options, runtime: choice, steps, threads }) => {
  const runtime = await webRuntime(choice);
  const { step, initial } = prepareRun(runConfig(options));
  const program = await Program.compile(runtime, step, initial, { threads });
  const first = await program.run(program.put(initial), { steps: 1 });
  const rest = await program.run(first.state, { steps: steps - 1 });
  const state = await program.get(rest.state);
  await program.release();
  return {
    losses: [...first.metrics.trainLoss.data, ...rest.metrics.trainLoss.data],
    step: state.step.data[0],
    runtime: runtime.version,
    isolated: globalThis.crossOriginIsolated,
  };
};
