/** @file Bundles a test's program, so that it can run in a process or a page of its own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles a TypeScript file into one that Node runs, packages left where they are. Returns its path. */
export async function bundleForNode(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, 'program.cjs');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    logLevel: 'silent',
  });
  return outfile;
}

/** Bundles a module for a page, packages included, as `program.js` in the folder. Returns what went into it. */
export async function bundleForBrowser(entry: string, folder: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: { program: entry },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'browser',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
  });
  return metafile;
}
