/**
 * @file The user's own line: the first one on the call stack that belongs neither to this compiler nor to tfjs, another
 * installed package or the engine. An operation of a gradient, which tfjs calls, has the line that asked for the gradient.
 *
 * It is asked for at every recorded operation. V8 hands out the stack as objects, of which only the wanted one is turned
 * into text; other engines have text alone.
 */

/** tfjs calls a kernel about a dozen functions below the user, in a gradient about two dozen. */
const FRAMES = 60;

/** A frame as V8 writes it, `at name (place)` or `at place`, or as Firefox and Safari do, `name@place`. */
const FRAME = /^\s*at (?:.*? \((.+)\)|(?:async )?(.+))$|^[^@]*@(.+)$/;

/** A place in a file. */
const PLACE = /^(.+):(\d+):(\d+)$/;

/** Code of other packages and of the engine. */
const FOREIGN = /[\\/]node_modules[\\/]|^node:|^internal[\\/]|^native$/;

/** What V8 tells of a frame: https://v8.dev/docs/stack-trace-api */
interface Frame {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

type Formatter = (error: Error, frames: readonly Frame[]) => unknown;

/** The part of V8's `Error` that is used here. */
const engine = Error as unknown as {
  prepareStackTrace?: Formatter | undefined;
  stackTraceLimit?: number | undefined;
};

interface Place {
  readonly file: string;
  readonly line: string;
  readonly column: string;
}

const pathOf = (file: string) => file.replace(/^file:\/\/(?=\/)/, '');

/** Where a frame, as text, stands; `undefined` for what is in no file. */
function placeOf(frame: string): Place | undefined {
  const [, named, unnamed, other] = FRAME.exec(frame) ?? [];
  const [, file, line, column] = PLACE.exec(named ?? unnamed ?? other ?? '') ?? [];
  if (file === undefined || line === undefined || column === undefined) return undefined;
  return { file: pathOf(file), line, column };
}

/** The stack, deeper than usual, as `format` makes it of V8's frames; as text where the engine has none. */
function stack<T>(format: (error: Error, frames: readonly Frame[]) => T): T | string {
  const { prepareStackTrace, stackTraceLimit } = engine;
  engine.stackTraceLimit = FRAMES;
  engine.prepareStackTrace = format;
  try {
    return (new Error().stack ?? '') as T | string;
  } finally {
    engine.stackTraceLimit = stackTraceLimit;
    engine.prepareStackTrace = prepareStackTrace;
  }
}

/** The files on the stack of the caller, innermost first. */
function files(): string[] {
  const found = stack((_, frames) => frames.map((frame) => frame.getFileName() ?? ''));
  return typeof found === 'string' ? found.split('\n').flatMap((line) => placeOf(line)?.file ?? []) : found;
}

/** The folder of the compiler: this very file, in which the innermost frame is, lies two levels below. */
const COMPILER = pathOf(files().find((file) => file !== '') ?? '').replace(/[^\\/]+[\\/][^\\/]+$/, '');

const isUsers = (file: string) => !FOREIGN.test(file) && !(COMPILER !== '' && file.startsWith(COMPILER));

/** `file:line:column` of the user's call that led here, or `undefined` where the stack does not tell. */
export function callSite(): string | undefined {
  const { prepareStackTrace } = engine;
  const found = stack((error, frames): Place | undefined => {
    const frame = frames.find((candidate) => {
      const file = candidate.getFileName();
      return typeof file === 'string' && file !== '' && isUsers(pathOf(file));
    });
    if (frame === undefined) return undefined;
    // Who formats stacks himself may know the line before it was compiled.
    const text = prepareStackTrace?.(error, [frame]);
    const mapped = typeof text === 'string' ? placeOf(text.split('\n').at(-1) ?? '') : undefined;
    return (
      mapped ?? {
        file: pathOf(frame.getFileName() ?? ''),
        line: String(frame.getLineNumber()),
        column: String(frame.getColumnNumber()),
      }
    );
  });
  const place =
    typeof found === 'string'
      ? found
          .split('\n')
          .map(placeOf)
          .find((candidate) => candidate !== undefined && isUsers(candidate.file))
      : found;
  return place && `${place.file}:${place.line}:${place.column}`;
}
