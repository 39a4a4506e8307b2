/**
 * @file The user's own line: the first one on the call stack that belongs neither to this compiler nor to tfjs, another
 * installed package or Node. An operation of a gradient, which tfjs calls, has the line that asked for the gradient.
 */

/** tfjs calls a kernel about a dozen functions below the user, in a gradient about two dozen. */
const FRAMES = 60;

/** A frame as V8 writes it, `at name (place)` or `at place`, or as Firefox and Safari do, `name@place`. */
const FRAME = /^\s*at (?:.*? \((.+)\)|(?:async )?(.+))$|^[^@]*@(.+)$/;

/** A place in a file. */
const PLACE = /^(.+):(\d+):(\d+)$/;

/** Code of other packages and of the engine. */
const FOREIGN = /[\\/]node_modules[\\/]|^node:|^internal[\\/]|^native$/;

/** Stack as text, deeper than usual where the engine allows. */
function stackOf(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  try {
    return new Error().stack ?? '';
  } finally {
    Error.stackTraceLimit = limit;
  }
}

interface Place {
  readonly file: string;
  readonly line: string;
  readonly column: string;
}

/** Where a frame stands; `undefined` for what is in no file. */
function placeOf(frame: string): Place | undefined {
  const [, named, unnamed, other] = FRAME.exec(frame) ?? [];
  const [, file, line, column] = PLACE.exec(named ?? unnamed ?? other ?? '') ?? [];
  if (file === undefined || line === undefined || column === undefined) return undefined;
  return { file: file.replace(/^file:\/\/(?=\/)/, ''), line, column };
}

/** `file:line:column` of the user's call that led here, or `undefined` where the stack does not tell. */
export function callSite(): string | undefined {
  const places = stackOf()
    .split('\n')
    .map(placeOf)
    .filter((place) => place !== undefined);
  // The first place is in this very file, two levels below the compiler's folder.
  const compiler = places[0]?.file.replace(/[^\\/]+[\\/][^\\/]+$/, '');
  if (compiler === undefined) return undefined;
  const user = places.find(({ file }) => !FOREIGN.test(file) && !file.startsWith(compiler));
  return user && `${user.file}:${user.line}:${user.column}`;
}
