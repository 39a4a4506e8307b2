/**
 * @file What a saved program says about itself, in the metadata of its ONNX file: one entry of JSON. Any reader of ONNX
 * shows it; Python's onnxruntime as `session.get_modelmeta().custom_metadata_map`.
 */
import protobuf from 'protobufjs/light';
import { CompileError } from '../errors';
import { checkedForm, type ProgramForm } from '../program-form';
import type { Device, Precision, Target } from '../target';

/** The entry's name. */
const ENTRY = 'optimal-grokking';

/** Raised when a file of the format before can no longer be read. */
const FORMAT = 2;

const DEVICES: readonly Device[] = ['cpu', 'cuda', 'webgpu'];

export interface Description extends ProgramForm {
  readonly precision: Precision;
  /** The device that it was written for. */
  readonly device: Device;
}

export function metadataOf(
  form: ProgramForm,
  { precision, device }: Target,
): Readonly<Record<string, string>> {
  const { state, metrics } = form;
  return { [ENTRY]: JSON.stringify({ format: FORMAT, precision, device, state, metrics }) };
}

/** The part of ONNX's file format that holds metadata; a reader passes over what it does not know. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Model: { fields: { metadata: { rule: 'repeated', type: 'Entry', id: 14 } } },
    Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
  },
}).lookupType('Model');

/** The entry of a cached model that holds its key. */
const KEY_ENTRY = 'optimal-grokking.cache';

/** A model with its key as its last entry: a protobuf message grows by what is appended to it. */
export function withKey(model: Uint8Array, key: string): Uint8Array {
  const entry = keyEntry(key);
  const kept = new Uint8Array(model.length + entry.length);
  kept.set(model);
  kept.set(entry, model.length);
  return kept;
}

/** The model that `withKey` was given; `undefined` where the bytes do not end with that key. */
export function withoutKey(kept: Uint8Array, key: string): Uint8Array | undefined {
  const entry = keyEntry(key);
  const length = kept.length - entry.length;
  const isWhole = length >= 0 && entry.every((byte, i) => kept[length + i] === byte);
  return isWhole ? new Uint8Array(kept.subarray(0, length)) : undefined;
}

function keyEntry(key: string): Uint8Array {
  return Model.encode(Model.create({ metadata: [{ key: KEY_ENTRY, value: key }] })).finish();
}

/**
 * Reads the description of a saved program.
 * @throws CompileError in one line where the bytes are no such file, or of another format.
 */
export function readDescription(bytes: Uint8Array): Description {
  const refused = (reason: string, cause?: unknown) =>
    new CompileError(`the file is not a program saved by this package: ${reason}`, { cause });
  let entries: { readonly key: string; readonly value: string }[];
  try {
    ({ metadata: entries } = Model.decode(bytes) as unknown as { metadata: typeof entries });
  } catch (error) {
    throw refused('it is not an ONNX file, or is cut short', error);
  }
  const text = entries.find(({ key }) => key === ENTRY)?.value;
  if (text === undefined) throw refused('it does not describe a state');
  let described: unknown;
  try {
    described = JSON.parse(text);
  } catch (error) {
    throw refused('its description is not JSON', error);
  }
  const { format, precision, device } = (described ?? {}) as { readonly [name: string]: unknown };
  if (format !== FORMAT) throw refused(`its format is ${JSON.stringify(format)}, expected ${FORMAT}`);
  if (precision !== 'float32' && precision !== 'float64')
    throw refused(`its precision is ${JSON.stringify(precision)}`);
  if (!DEVICES.includes(device as Device)) throw refused(`its device is ${JSON.stringify(device)}`);
  try {
    return { precision, device: device as Device, ...checkedForm(described) };
  } catch (error) {
    throw refused((error as Error).message, error);
  }
}
