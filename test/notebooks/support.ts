/** @file Trial notebooks in a scratch folder of the checkout, where cells can import the library, and the scripts on them. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A new folder under `.cache`, which git ignores. */
export function scratchFolder(): string {
  mkdirSync(join(root, '.cache'), { recursive: true });
  return mkdtempSync(join(root, '.cache', 'test-'));
}

/** A cell's source: code, or Markdown if it begins with `md:`. */
export function writeNotebook(folder: string, name: string, sources: readonly string[]): string {
  const cells = sources.map((source, i) =>
    source.startsWith('md:')
      ? { cell_type: 'markdown', id: `cell-${i}`, metadata: {}, source: source.slice(3) }
      : { cell_type: 'code', id: `cell-${i}`, metadata: {}, source, outputs: [], execution_count: null },
  );
  const kernelspec = { display_name: 'TypeScript', language: 'typescript', name: 'tslab' };
  const file = join(folder, `${name}.ipynb`);
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  writeFileSync(file, JSON.stringify(notebook));
  return file;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the project's scripts to its end; `during` may act on it while it runs. */
export function runScript(
  script: string,
  args: readonly string[],
  during?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Finished> {
  const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], { cwd: root });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    during?.(stdout, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
