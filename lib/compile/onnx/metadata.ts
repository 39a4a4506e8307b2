/**
 * @file What a saved program says about itself, in the metadata of its ONNX file: one entry of JSON. Any reader of ONNX
 * shows it; Python's onnxruntime as `session.get_modelmeta().custom_metadata_map`.
 */
import protobuf from 'protobufjs/light';
import { CompileError } from '../errors';
import { checkedForm, type ProgramForm } from '../program-form';
import type { Precision } from '../target';

/** The entry's name. */
const ENTRY = 'optimal-grokking';

/** Raised when a file of the format before can no longer be read. */
const FORMAT = 1;

export interface Description extends ProgramForm {
  readonly precision: Precision;
}

export function metadataOf({ precision, state, metrics }: Description): Readonly<Record<string, string>> {
  return { [ENTRY]: JSON.stringify({ format: FORMAT, precision, state, metrics }) };
}

/** The part of ONNX's file format that holds metadata; a reader passes over what it does not know. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Model: { fields: { metadata: { rule: 'repeated', type: 'Entry', id: 14 } } },
    Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
  },
}).lookupType('Model');

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
  const { format, precision } = (described ?? {}) as { format?: unknown; precision?: unknown };
  if (format !== FORMAT) throw refused(`its format is ${JSON.stringify(format)}, expected ${FORMAT}`);
  if (precision !== 'float32' && precision !== 'float64')
    throw refused(`its precision is ${JSON.stringify(precision)}`);
  try {
    return { precision, ...checkedForm(described) };
  } catch (error) {
    throw refused((error as Error).message, error);
  }
}
