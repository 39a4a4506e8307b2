import { builtinModules } from 'node:module';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser } from '../support/bundle';
import { temporaryFolder } from '../support/temporary';

/** Files of `node_modules/<package>/…` and of `lib/dist`, by package. */
function packagesIn({ inputs }: Metafile): string[] {
  const names = Object.keys(inputs).map((path) => {
    const inside = path.replaceAll('\\', '/').split('node_modules/').at(-1) as string;
    return inside.match(/^(@[^/]+\/[^/]+|[^/]+)\//)?.[1] ?? inside;
  });
  return [...new Set(names)].sort();
}

describe('the package bundled for a browser', () => {
  let metafile: Metafile;
  const modules = () => Object.keys(metafile.inputs).map((path) => path.replaceAll('\\', '/'));

  beforeAll(async () => {
    // Everything, so that nothing is shaken off before the check.
    const entry = join(import.meta.dirname, 'everything.mjs');
    metafile = await bundleForBrowser(entry, temporaryFolder());
  });

  it('starts at the browser entry', () => {
    expect(modules()).toContain('lib/dist/browser.js');
    expect(modules()).not.toContain('lib/dist/index.js');
  });

  it('holds no file of ours that needs Node', () => {
    const own = modules().filter((path) => path.startsWith('lib/dist/'));
    expect(own.length).toBeGreaterThan(50);
    expect(own.filter((path) => path.includes('.node.') || /dist\/(cli|sweep)\//.test(path))).toEqual([]);
  });

  it('leaves no import of a Node module and has none of the native packages', () => {
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    expect(imports.filter(({ external, path }) => external && path !== '<runtime>')).toEqual([]);
    // What a package declares to be empty in a browser is `(disabled)`; anything else of Node would be a file.
    const builtin = modules().filter((path) => builtinModules.includes(path.replace(/^node:/, '')));
    expect(builtin).toEqual([]);
    const packages = packagesIn(metafile);
    expect(packages).toContain('onnxruntime-web');
    expect(packages).toContain('@tensorflow/tfjs-core');
    expect(
      packages.filter((name) => /onnxruntime-node|tfjs-node|canvas|resvg|jsdom|tslab/.test(name)),
    ).toEqual([]);
  });
});
