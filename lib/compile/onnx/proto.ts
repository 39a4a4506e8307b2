/**
 * @file The part of ONNX's file format this package writes, as a protobuf descriptor: names and field numbers of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (IR version 10, operator set 21).
 */
import protobuf from 'protobufjs/light';
import type { WideTensor } from '../host';

const IR_VERSION = 10;
const OPERATOR_SET = 21;

/** ONNX's numbers for element types. */
export const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11, uint32: 12 } as const;

/**
 * Element types inside an ONNX graph: those of a step, float64 in place of float32, int64 for shapes and axes, uint32 for
 * random words.
 */
export type OnnxType = keyof typeof ELEMENT_TYPE;

/** Elements of a constant, in the typed array of its element type. */
export type ConstantData = WideTensor['data'] | BigInt64Array | Uint32Array;

/** A named constant tensor. */
export interface Initializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: ConstantData;
}

/** One operator call; attribute values are encoded by their JavaScript type. */
export interface OnnxNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** `{ float: x }` marks a float attribute, because `1` alone would be taken for an integer. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number } | OnnxGraph;

/** Name, type and shape of a graph's input or output; a `string` dimension is symbolic. */
export interface ValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const single = (type: string, id: number) => ({ type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: single('int64', 1),
        producerName: single('string', 2),
        graph: single('Graph', 7),
        opsetImport: repeated('OperatorSet', 8),
        metadata: repeated('Entry', 14),
      },
    },
    Entry: { fields: { key: single('string', 1), value: single('string', 2) } },
    OperatorSet: { fields: { domain: single('string', 1), version: single('int64', 2) } },
    Graph: {
      fields: {
        node: repeated('Node', 1),
        name: single('string', 2),
        initializer: repeated('Tensor', 5),
        input: repeated('ValueInfo', 11),
        output: repeated('ValueInfo', 12),
      },
    },
    Node: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: single('string', 3),
        opType: single('string', 4),
        attribute: repeated('Attribute', 5),
        domain: single('string', 7),
      },
    },
    Attribute: {
      fields: {
        name: single('string', 1),
        f: single('float', 2),
        i: single('int64', 3),
        s: single('bytes', 4),
        g: single('Graph', 6),
        ints: repeated('int64', 8),
        type: single('int32', 20),
      },
    },
    Tensor: {
      fields: {
        dims: repeated('int64', 1),
        dataType: single('int32', 2),
        name: single('string', 8),
        rawData: single('bytes', 9),
      },
    },
    ValueInfo: { fields: { name: single('string', 1), type: single('Type', 2) } },
    Type: { fields: { tensorType: single('TensorType', 1) } },
    TensorType: { fields: { elemType: single('int32', 1), shape: single('Shape', 2) } },
    Shape: { fields: { dim: repeated('Dimension', 1) } },
    Dimension: { fields: { dimValue: single('int64', 1), dimParam: single('string', 2) } },
  },
});
const Model = root.lookupType('Model');

const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

function attributeMessage(name: string, value: AttributeValue): object {
  if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE_TYPE.int };
  if (typeof value === 'string') {
    return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE_TYPE.string };
  }
  if ('float' in value) return { name, f: value.float, type: ATTRIBUTE_TYPE.float };
  if ('nodes' in value) return { name, g: graphMessage(value), type: ATTRIBUTE_TYPE.graph };
  return { name, ints: [...value], type: ATTRIBUTE_TYPE.ints };
}

function valueInfoMessage({ name, type, shape }: ValueInfo): object {
  const dim = shape.map((d) => (typeof d === 'string' ? { dimParam: d } : { dimValue: d }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE[type], shape: { dim } } } };
}

function graphMessage(graph: OnnxGraph): object {
  return {
    name: graph.name,
    node: graph.nodes.map((node, index) => ({
      name: `${node.opType}_${index}`,
      opType: node.opType,
      input: [...node.inputs],
      output: [...node.outputs],
      attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value)),
    })),
    initializer: graph.initializers.map(({ name, type, dims, data }) => ({
      name,
      dataType: ELEMENT_TYPE[type],
      dims: [...dims],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })),
    input: graph.inputs.map(valueInfoMessage),
    output: graph.outputs.map(valueInfoMessage),
  };
}

/** Serialises a graph as an ONNX model file. */
export function encodeModel(graph: OnnxGraph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return Model.encode(
    Model.create({
      irVersion: IR_VERSION,
      producerName: 'optimal-grokking',
      opsetImport: [{ domain: '', version: OPERATOR_SET }],
      graph: graphMessage(graph),
      metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    }),
  ).finish();
}
