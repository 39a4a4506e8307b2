/** @file Says compactly what failed in a notebook: which cell, which line of it, and the error's own message. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sourceLineProgram = fileURLToPath(new URL('source-line.mjs', import.meta.url));

/** @typedef {{ message: string, line?: number, compiled?: { line: number, column: number }[] }} Failure */

/**
 * Reads the failure out of what the kernel wrote to stderr: a compiler's messages (`3:7 - …`, positions in the cell) or
 * the inspected error with its stack (positions in compiled code, `compiled`, the failing cell's own first).
 * @param {string} text
 * @returns {Failure}
 */
export function parseFailure(text) {
  const lines = text.trimEnd().split('\n');
  const diagnostics = lines.map((line) => /^(?:(\S+) )?(\d+):\d+ - (.*)$/.exec(line));
  const first = diagnostics.find(Boolean);
  if (first) {
    const messages = diagnostics
      .filter(Boolean)
      .map((match) => `${match[1] ? `${match[1]}: ` : ''}${match[3]}`);
    const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : '';
    return { message: messages[0] + more, ...(first[1] ? {} : { line: Number(first[2]) }) };
  }
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  if (firstFrame < 0) return { message: lines.slice(-5).join('\n').trim() || 'no message' };
  // A message may span lines: it begins where the error is named.
  let start = firstFrame - 1;
  while (start > 0 && !/^(?:Uncaught)?[\w.$ ]*(?:Error|Exception|Rejection)\b/.test(lines[start] ?? ''))
    start--;
  if (!/(?:Error|Exception|Rejection)\b/.test(lines[start] ?? '')) start = Math.max(0, firstFrame - 1);
  const message = lines.slice(start, firstFrame).join('\n').trim();
  // Functions of earlier cells bear the same file name: the frames nearest to the failing cell's own are the last.
  const frames = lines.slice(firstFrame).flatMap((line) => {
    const frame = /^ {4}at .*evalmachine\.<anonymous>:(\d+):(\d+)/.exec(line);
    return frame ? [{ line: Number(frame[1]), column: Number(frame[2]) }] : [];
  });
  return { message, ...(frames.length ? { compiled: frames.reverse() } : {}) };
}

/** The cell's line that the first fitting position of its compiled code comes from, or undefined. */
function sourceLine(cells, positions, cwd) {
  const { stdout, status } = spawnSync(process.execPath, [sourceLineProgram], {
    cwd,
    input: JSON.stringify({ cells, positions }),
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return status === 0 && stdout ? Number(stdout) : undefined;
}

/**
 * @param {{ source: string, cwd: string, label: string }} notebook its file, the kernel's working folder, how to call it
 * @param {{ index: number, text: string, died: boolean }} event where it failed (index among all cells, from 0), what
 *   the kernel wrote to stderr, whether the kernel itself ended
 * @returns {string} `label, cell 3, line 2: message` and the line itself; cells are numbered as code cells, from 1
 */
export function describeFailure({ source, cwd, label }, { index, text, died }) {
  const { cells } = JSON.parse(readFileSync(source, 'utf8'));
  const code = cells
    .slice(0, index + 1)
    .filter((cell) => cell.cell_type === 'code')
    .map((cell) => [cell.source].flat().join(''))
    .filter((cell) => cell.trim());
  const number = Math.max(1, code.length);
  if (died) {
    const reason = text.trim().split('\n').slice(-5).join('\n');
    return `${label}, cell ${number}: the kernel ended (out of memory, or process.exit?)${reason ? `: ${reason}` : ''}`;
  }
  const failure = parseFailure(text);
  const line = failure.line ?? (failure.compiled && sourceLine(code, failure.compiled, cwd));
  const quoted = line === undefined ? undefined : code.at(-1)?.split('\n')[line - 1];
  const at = line === undefined ? '' : `, line ${line}`;
  const quote = quoted?.trim() ? `\n  ${line} | ${quoted}` : '';
  return `${label}, cell ${number}${at}: ${failure.message}${quote}`;
}
