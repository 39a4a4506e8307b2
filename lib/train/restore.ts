/** @file From a checkpoint back to the state it was made of, bit for bit. */
import { type HostTensor, isHostTensor, mapTree } from '../compile';
import { FileError } from '../errors';
import { OPTIMIZER_PREFIX } from './checkpoint';
import type { StoredDType, TensorFile } from './safetensors';
import type { TrainState } from './state';

const DTYPES: Readonly<Partial<Record<StoredDType, HostTensor['dtype']>>> = {
  F32: 'float32',
  I32: 'int32',
  BOOL: 'bool',
};

/** Updates that a checkpoint has behind it, or `undefined` if it does not say. */
export function stepOf({ metadata }: TensorFile): number | undefined {
  return /^\d{1,10}$/.test(metadata.step ?? '') ? Number(metadata.step) : undefined;
}

/**
 * The state in a checkpoint.
 *
 * @param initial the state its run began with; it says which tensors there are, and has the schedule
 * @param source the file's name, for messages
 * @throws {FileError} if a tensor of the state is missing or has another type or shape
 */
export function restoreState(initial: TrainState, file: TensorFile, source: string): TrainState {
  const read = ({ dtype, shape }: HostTensor, name: string): HostTensor => {
    const tensor = file.tensors.get(name);
    if (tensor === undefined) throw new FileError(`${source} has no tensor '${name}', which its run needs`);
    if (DTYPES[tensor.dtype] !== dtype || tensor.shape.join() !== shape.join()) {
      throw new FileError(
        `'${name}' in ${source} is ${tensor.dtype} of shape [${tensor.shape.join(', ')}], but its run needs ${dtype} of shape [${shape.join(', ')}]`,
      );
    }
    return { dtype, shape, data: tensor.data } as HostTensor;
  };
  const step = stepOf(file);
  if (step === undefined) throw new FileError(`${source} does not say of which step it is`);
  return {
    ...initial,
    params: mapTree(initial.params, isHostTensor, read),
    optimizer: mapTree(initial.optimizer, isHostTensor, (tensor, name) =>
      read(tensor, OPTIMIZER_PREFIX + name),
    ),
    step: { ...initial.step, data: Int32Array.of(step) },
  };
}
