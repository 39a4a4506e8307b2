/** @file Runs and type-checks the examples of a page of the documentation, as a reader would: against the built package. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The TypeScript examples of a page, in order. @param page Its path in the checkout. */
export function examplesOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
};

/** What an example printed, and what the compiler, set as strictly as this project's, says of it. */
export interface ExampleResult {
  readonly mistakes: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Type-checks examples together and runs the first `count` of them, each by itself; the others print nothing. */
export function runExamples(examples: readonly string[], count = examples.length): ExampleResult[] {
  // Inside the checkout, so that their imports are found.
  const folder = mkdtempSync(join(root, 'node_modules', '.example-'));
  try {
    const sources = examples.map((code, i) => {
      const path = join(folder, `example-${i}.mts`);
      writeFileSync(path, code);
      return path;
    });
    const program = ts.createProgram(sources, OPTIONS);
    return examples.map((code, i) => {
      const mistakes = mistakesIn(program, sources[i] as string);
      if (i >= count) return { mistakes, stdout: '', stderr: '' };
      const script = join(folder, `example-${i}.mjs`);
      writeFileSync(script, ts.transpile(code, OPTIONS));
      const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
      return { mistakes, stdout, stderr };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mistakesIn(program: ts.Program, path: string): string[] {
  const file = program.getSourceFile(path);
  return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
    const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
