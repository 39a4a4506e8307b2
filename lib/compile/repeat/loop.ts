/** @file Repeats a step inside the runtime, by ONNX's `Loop` operator: one call of the session is many steps. */
import { loopModel, programNames, STEPS_INPUT } from '../onnx/programs';
import type { DeviceTensor } from '../runtime';
import type { RepetitionMethod } from './repetition';

export const loop: RepetitionMethod = {
  name: 'loop',
  model: loopModel,

  async open(runtime, model, form, options) {
    const { start, next, metrics } = programNames(form);
    const session = await runtime.open(model, options);
    return {
      async run(state, steps) {
        const inputs: Record<string, DeviceTensor> = { [STEPS_INPUT]: runtime.putCount(steps) };
        for (const [index, name] of start.entries()) inputs[name] = state[index];
        const outputs = await session.run(inputs);
        return {
          state: next.map((name) => outputs[name]),
          metrics: await Promise.all(metrics.map((name) => runtime.get(outputs[name]))),
        };
      },
      release: () => session.release(),
    };
  },
};
