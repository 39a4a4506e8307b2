/** @file Compiled programs in files: one that is kept on purpose, and a folder that serves as a cache. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { ProgramCache } from './cache';
import { CompileError, shown } from './errors';
import { type LoadOptions, Program } from './program';
import type { Runtime } from './runtime';
import type { StateTree } from './state';
import type { Precision } from './target';

/** The file system's refusal, in one line. */
function refusal(action: string, path: string, error: unknown): CompileError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new CompileError(`cannot ${action} ${path}: ${code ?? message}; check the path`, { cause: error });
}

/** Replaces a file by way of another beside it: who looks finds the old content or the new, never a part. */
async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.${globalThis.crypto.randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw refusal('write', path, error);
  }
}

/**
 * Writes a program as one ONNX file, atomically: see `Program.save`.
 * @throws CompileError where the arguments are in another order, or the file cannot be written.
 */
export async function saveProgram(path: string, program: { save(): Uint8Array }): Promise<void> {
  if (typeof path !== 'string' || typeof program?.save !== 'function') {
    throw new CompileError(
      `saveProgram is given ${shown(path)} and ${shown(program)}, expected saveProgram(path, program): a file's path, then a compiled program`,
    );
  }
  await replaceFile(path, program.save());
}

/**
 * Opens a program that `saveProgram` wrote: see `Program.load`.
 * @param runtime Such as `onnxRuntimeNode`.
 * @throws CompileError where the arguments are in another order, or the file cannot be read or is no such program.
 */
export async function loadProgram<S extends StateTree = StateTree, P extends Precision = 'float32'>(
  runtime: Runtime,
  path: string,
  options: LoadOptions<P> = {},
): Promise<Program<S, P>> {
  if (typeof path !== 'string' || typeof runtime?.open !== 'function') {
    throw new CompileError(
      `loadProgram is given ${shown(runtime)} and ${shown(path)}, expected loadProgram(runtime, path): such as onnxRuntimeNode, then a file's path`,
    );
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw refusal('read', path, error);
  }
  return Program.load<S, P>(runtime, bytes, options);
}

/**
 * A cache that keeps models as files in a folder, which it makes. Several processes may share it, and several versions of
 * this package: the files' names are digests of the step, its options and the compiler's own code. It never removes
 * anything: delete the folder, or old files in it, whenever you like.
 * @throws CompileError, at the first use, where the folder cannot be read.
 */
export function fileCache(folder: string): ProgramCache {
  const compiler = compilerDigest();
  const pathOf = (key: string) =>
    join(folder, `${createHash('sha256').update(compiler).update(key).digest('hex')}.onnx`);
  return {
    async get(key) {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw refusal('read', pathOf(key), error);
      }
    },
    async set(key, model) {
      try {
        await mkdir(folder, { recursive: true });
      } catch (error) {
        throw refusal('make the folder', folder, error);
      }
      await replaceFile(pathOf(key), model);
    },
  };
}

/**
 * A digest of all that turns a traced step into a model: the files of this folder, the package's manifest, which has its
 * version and those of what it is made with, and the JavaScript engine, which computes constants.
 * @param folder Where the compiler's code is; by default, that of this file.
 */
export function compilerDigest(folder: string = __dirname): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const manifest = manifestAbove(folder);
  if (manifest !== undefined) files.push(manifest);
  const digest = createHash('sha256').update(process.versions.v8);
  for (const file of files) digest.update(`\n${relative(folder, file)}\n`).update(readFileSync(file));
  return digest.digest('hex');
}

function manifestAbove(folder: string): string | undefined {
  const path = join(folder, 'package.json');
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : manifestAbove(parent);
}
