/**
 * @file Finds the line of a cell's TypeScript that a stack trace of tslab means. tslab runs each cell as compiled
 * JavaScript without a source map, so the lines of a trace are those of code that nobody has seen. This compiles the
 * notebook's cells again, with tslab's own converter made to keep source maps, and looks the position up: a few seconds,
 * spent only after a failure. Started as a program of its own, because the converter wants the kernel's working folder.
 *
 * Input (stdin, JSON): `{ cells, positions }`, the code cells up to the failing one and positions `{ line, column }` in the
 * compiled code of the last, counted from 1. Output: the cell's line, from 1, of the first position that comes from it;
 * nothing if none does.
 */
import { readFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';

const require = createRequire(import.meta.url);
const fromTslab = createRequire(require.resolve('tslab/package.json'));
const compilerPath = fromTslab.resolve('@tslab/typescript-for-tslab');
const compiler = fromTslab(compilerPath);

/** The maps of the last compiled cell: compiled code → its ES module form, and that → TypeScript. */
let toModule;
let toSource;

// A cell is compiled twice, first to an ES module, then that to CommonJS; the compiler's exports cannot be assigned to,
// so tslab is given a copy of them in which both calls keep their maps.
fromTslab.cache[compilerPath].exports = {
  ...compiler,
  createWatchCompilerHost: (files, options, ...rest) =>
    compiler.createWatchCompilerHost(files, { ...options, inlineSourceMap: true }, ...rest),
  transpileModule: (code, options) => {
    const result = compiler.transpileModule(code, {
      ...options,
      compilerOptions: { ...options.compilerOptions, sourceMap: true },
    });
    const inline = /sourceMappingURL=data:[^,]*base64,(\S+)\s*$/.exec(code);
    toModule = new SourceMap(JSON.parse(result.sourceMapText));
    toSource = inline && new SourceMap(JSON.parse(Buffer.from(inline[1], 'base64').toString()));
    return result;
  },
};

const { createConverter } = require('tslab/dist/converter.js');
const { getCodeMetadata } = require('tslab/dist/metadata.js');

const { cells, positions } = JSON.parse(readFileSync(0, 'utf8'));
const converter = createConverter({ isJS: false, isBrowser: false });
let declarations = '';
for (const source of cells) {
  const metadata = getCodeMetadata(source);
  if (metadata.module) converter.addModule(metadata.module, source, metadata);
  else if (metadata.mode !== 'browser')
    declarations = converter.convert(declarations, source).declOutput ?? '';
}
converter.close();

/** The line of the cell, counted from 1, that a position (from 0) of the compiled code comes from, or undefined. */
function lineAt(compiledLine, compiledColumn) {
  const inModule = toModule?.findEntry(compiledLine, compiledColumn);
  if (inModule?.generatedLine !== compiledLine) return undefined;
  const inSource = toSource?.findEntry(inModule.originalLine, inModule.originalColumn);
  if (inSource?.generatedLine !== inModule.originalLine) return undefined;
  // tslab puts one line of its own before the cell, so a line counted from 0 there is the cell's counted from 1; and its
  // `export { … }` after the cell, to which code of its own making is mapped.
  const found = inSource.originalLine;
  return found >= 1 && found <= cells.at(-1).split('\n').length ? found : undefined;
}

/** A call that tslab rewrote (`f()` to `exports.f()`) has no origin of its own, but its arguments have: look ahead. */
function lineFrom(compiledLine, compiledColumn) {
  for (let ahead = 0; ahead < 500; ahead++) {
    const found = lineAt(compiledLine, compiledColumn + ahead);
    if (found !== undefined) return found;
  }
  return undefined;
}

for (const { line, column } of positions) {
  const found = lineFrom(line - 1, column - 1);
  if (found === undefined) continue;
  process.stdout.write(String(found));
  break;
}
