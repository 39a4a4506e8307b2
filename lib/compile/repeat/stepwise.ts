/**
 * @file Repeats a step from outside: one call of the session is one step. For runtimes whose device has no `Loop`; the
 * state stays on the device between the calls, the metrics of each step come back to the host.
 */
import type { WideTensor } from '../host';
import { functionModel, inputName, outputName } from '../onnx/programs';
import { leavesOfState } from '../program-form';
import type { DeviceTensor } from '../runtime';
import type { RepetitionMethod } from './repetition';

const range = (length: number) => Array.from({ length }, (_, index) => index);

export const stepwise: RepetitionMethod = {
  name: 'stepwise',
  model: functionModel,

  async open(runtime, model, form, options) {
    const [carried, metrics] = [leavesOfState(form).length, form.metrics.length];
    const resident = range(carried).map(outputName);
    const session = await runtime.open(model, options, resident);
    return {
      async run(state, steps) {
        const rows: WideTensor[][] = [];
        let current = state;
        for (let step = 0; step < steps; step++) {
          const inputs: Record<string, DeviceTensor> = {};
          for (const [index, tensor] of current.entries()) inputs[inputName(index)] = tensor;
          const outputs = await session.run(inputs);
          const output = (index: number) => outputs[outputName(index)];
          rows.push(await Promise.all(range(metrics).map((index) => runtime.get(output(carried + index)))));
          // The first state is the caller's.
          if (step > 0) for (const tensor of current) runtime.free(tensor);
          current = range(carried).map(output);
        }
        const column = (index: number) => stackSteps(rows.map((row) => row[index] as WideTensor));
        return { state: current, metrics: range(metrics).map(column) };
      },
      release: () => session.release(),
    };
  },
};

/** Tensors of one form, one after the other along a new leading axis. */
export function stackSteps(rows: readonly WideTensor[]): WideTensor {
  const [first] = rows as readonly [WideTensor];
  const size = first.data.length;
  const Data = first.data.constructor as new (length: number) => WideTensor['data'];
  const data = new Data(rows.length * size);
  for (const [index, row] of rows.entries()) data.set(row.data, index * size);
  return { dtype: first.dtype, shape: [rows.length, ...first.shape], data };
}
