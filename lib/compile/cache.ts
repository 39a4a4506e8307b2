/**
 * @file Compiled models kept for the next time. A cache stands between tracing and everything after it: passes, lowering
 * and writing the ONNX file. What it holds is found by a digest of the traced step and of all that the file depends on.
 */
import { CompileError } from './errors';
import { type Attributes, type Block, constantData, type Graph, type Value } from './graph';
import { PASSES, type Pass } from './passes';
import type { ProgramForm } from './program-form';
import type { Target } from './target';

/**
 * A place for compiled models. `memoryCache()` is one, `fileCache(folder)` in Node another. A key tells apart steps and
 * options, not versions of this package: a cache of your own that outlasts the process must keep those apart itself, as
 * `fileCache` does.
 */
export interface ProgramCache {
  /**
   * The model kept under a key of 64 hexadecimal digits. Where it is damaged, or is another key's, it is made anew. An error
   * ends the compilation.
   */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Where this fails the program is compiled all the same, and the error is printed as a warning of one line. */
  set(key: string, model: Uint8Array): Promise<void>;
}

/** Keeps models as long as it lives itself. */
export function memoryCache(): ProgramCache {
  const models = new Map<string, Uint8Array>();
  return {
    get: async (key) => models.get(key),
    set: async (key, model) => void models.set(key, model),
  };
}

/** All that a model depends on, the compiler itself left out. */
export interface CacheSubject {
  /** As traced, before any pass. */
  readonly graph: Graph;
  readonly target: Target;
  readonly passes: readonly Pass[];
  readonly form: ProgramForm;
  /** How the step is repeated. */
  readonly method: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
}

/**
 * The key of a model; `undefined` where a pass is not one of `PASSES`: nothing identifies what a function of the user's
 * does, its text does not say what it closes over.
 */
export async function cacheKey({ graph, passes, ...rest }: CacheSubject): Promise<string | undefined> {
  const positions = passes.map((pass) => PASSES.indexOf(pass));
  if (positions.includes(-1)) return undefined;
  const digests = await constantDigests(graph);
  const structure = blockText(graph, { numbers: numbered(graph.inputs), digests });
  const subject = JSON.stringify([rest, positions, graph.inputs.map(formText), structure]);
  return digestOf(new TextEncoder().encode(subject));
}

interface Naming {
  /** Values by the order in which they come up. */
  readonly numbers: Map<Value, number>;
  readonly digests: ReadonlyMap<Value, string>;
}

const numbered = (values: readonly Value[]) => new Map(values.map((value, i) => [value, i]));

const formText = ({ dtype, shape }: Value) => `${dtype}[${shape.join()}]`;

/** The sign of a zero counts. */
const numberText = (x: number) => (Object.is(x, -0) ? '-0' : String(x));

function blockText(block: Block, naming: Naming): unknown {
  const valueText = (value: Value): string => {
    const { constant } = value;
    if (constant === undefined) return `#${naming.numbers.get(value)}`;
    const content = 'fill' in constant ? numberText(constant.fill) : naming.digests.get(value);
    return `${formText(value)}=${content}`;
  };
  const nodes = block.nodes.map(({ op, inputs, outputs, attrs, blocks = [] }) => {
    const inner = blocks.map((nested) => blockText(nested, naming));
    for (const output of outputs) naming.numbers.set(output, naming.numbers.size);
    return [op, inputs.map(valueText), attributesText(attrs), outputs.map(formText), inner];
  });
  return [nodes, block.outputs.map(valueText)];
}

/** JSON has no infinities, no NaN, no sign of zero, no big integers and no functions: those go in as text. */
function attributesText(attrs: Attributes): string {
  return JSON.stringify(attrs, (_, value: unknown) => {
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0) ? value : numberText(value);
    return typeof value === 'bigint' || typeof value === 'function' ? String(value) : value;
  });
}

/** A digest of the contents of every constant that is not one number repeated. */
async function constantDigests(graph: Graph): Promise<ReadonlyMap<Value, string>> {
  const constants = new Set<Value>();
  const collect = (block: Block) => {
    for (const node of block.nodes) {
      for (const value of node.inputs) if (isContent(value)) constants.add(value);
      for (const inner of node.blocks ?? []) collect(inner);
    }
    for (const value of block.outputs) if (isContent(value)) constants.add(value);
  };
  collect(graph);
  const digest = async (value: Value) => [value, await digestOf(bytesOf(value))] as const;
  return new Map(await Promise.all([...constants].map(digest)));
}

const isContent = ({ constant }: Value) => constant !== undefined && 'data' in constant;

function bytesOf(value: Value): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = constantData(value);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** SHA-256, in hexadecimal digits. */
async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto as { readonly subtle?: SubtleCrypto };
  if (subtle === undefined)
    throw new CompileError(
      'the option cache needs Web Cryptography, which pages have over https only; leave it out',
    );
  const digest = await subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
