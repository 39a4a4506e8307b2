/** @file Repeats a step inside the runtime, by ONNX's `Loop` operator: one call of the session is many steps. */
import { loopModel, outputName, STEPS_INPUT, startName } from '../onnx/programs';
import type { DeviceTensor } from '../runtime';
import type { RepetitionMethod } from './repetition';

export const loop: RepetitionMethod = {
  model: loopModel,

  async open(runtime, model, { carried, metrics }, options) {
    const session = await runtime.open(model, options);
    return {
      async run(state, steps) {
        const inputs: Record<string, DeviceTensor> = { [STEPS_INPUT]: runtime.putCount(steps) };
        for (const [index, tensor] of state.entries()) inputs[startName(index)] = tensor;
        const outputs = await session.run(inputs);
        const output = (index: number) => outputs[outputName(index)];
        return {
          state: Array.from({ length: carried }, (_, index) => output(index)),
          metrics: await Promise.all(
            Array.from({ length: metrics }, (_, index) => runtime.get(output(carried + index))),
          ),
        };
      },
      release: () => session.release(),
    };
  },
};
