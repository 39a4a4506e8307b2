import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { layerProblems } from './support/layers';

const lib = fileURLToPath(new URL('../lib/', import.meta.url));

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !/^(dist|node_modules)\//.test(path));

describe('lib', () => {
  it('imports only in the order of its folders, and Node only where it belongs', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap((path) => layerProblems(path, readFileSync(lib + path, 'utf8')))).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ['train/loop.ts', "import { makeDataset } from '../data/dataset';"],
    ['train/loop.ts', "import { step } from './step';"],
    ['train/loop.ts', "import { ArgumentError } from '../errors';"],
    ['compile/onnx/write.ts', "import { HostTensor } from '../host';"],
    ['models/gpt.ts', "import { compile } from '../compile';"],
    [
      'data/random.ts',
      "import seedrandom from 'seedrandom'; import * as tf from '@tensorflow/tfjs-core/dist/index';",
    ],
    [
      'figures/curves.ts',
      "import type { Plot } from 'nodeplotlib'; import { type Layout } from 'nodeplotlib';",
    ],
    ['train/run-store.node.ts', "import { join } from 'node:path'; import { a } from '../files.node';"],
    ['cli/train.ts', "import fs from 'fs'; import { a } from '../train/run-store.node'; process.exit(1);"],
    ['sweep/queue.ts', "import os from 'node:os'; import { a } from '../compile/runtime.node';"],
    ['index.ts', "export * from './train/run-store.node'; export * from './figures';"],
    ['train/loop.ts', 'export const run = (task: { process(): void }) => task.process();'],
    ['train/loop.ts', 'type Bytes = Buffer; const sizes = { process: 1 }; // process.env'],
  ])('accepts %s with %s', (path, source) => {
    expect(layerProblems(path, source)).toEqual([]);
  });

  it.each([
    ['data/split.ts', "import { gpt } from '../models/gpt';", 'data must not import models'],
    ['data/split.ts', "import type { Gpt } from '../models/gpt';", 'data must not import models'],
    ['data/split.ts', "export { train } from '../train';", 'data must not import train'],
    ['compile/graph.ts', "import { makeDataset } from '../data/dataset';", 'compile must not import data'],
    ['models/gpt.ts', "import { adam } from '../optim/adam';", 'models must not import optim'],
    ['compile/deep/pass.ts', "import { train } from '../../train/loop';", 'compile must not import train'],
    ['compile/graph.ts', "import { ArgumentError } from '../errors';", 'compile stands alone'],
    ['compile/a.node.ts', "import { readWholeFile } from '../files.node';", 'compile stands alone'],
    ['data/split.ts', "import { readWholeFile } from '../files.node';", 'must not import one that uses Node'],
    ['figures/curves.ts', "const cli = await import('../cli/main');", 'must not import one that uses Node'],
    ['train/a.node.ts', "const cli = require('../cli/main');", 'train must not import cli'],
    ['optim/adam.ts', "type T = import('../train/progress').T;", 'optim must not import train'],
    ['train/loop.ts', "import { a } from '../index';", 'must not import the entry files'],
    ['train/loop.node.ts', "import { a } from '..';", 'must not import the entry files'],
    ['train/loop.ts', "import { a } from '../../test/support/one-line';", 'leaves lib'],
    ['train/loop.ts', "import { RunStore } from './run-store.node';", 'must not import one that uses Node'],
    ['figures/curves.ts', "export * from './static.node.js';", 'must not import one that uses Node'],
    ['train/loop.ts', "import { join } from 'node:path';", 'does not run in a browser'],
    ['train/loop.ts', "import 'fs';", 'does not run in a browser'],
    ['train/loop.ts', "import ort = require('onnxruntime-node');", 'does not run in a browser'],
    ['figures/curves.ts', "import { plot, type Plot } from 'nodeplotlib';", 'does not run in a browser'],
    ['browser.ts', "export * from './train/run-store.node';", 'must not import one that uses Node'],
    ['train/loop.ts', 'const argument = process.argv[2];', 'uses process'],
    ['train/loop.ts', "const bytes = Buffer.from('');", 'uses Buffer'],
    ['helpers/a.ts', '', 'the folder helpers has no layer'],
  ])('refuses %s with %s', (path, source, expected) => {
    const problems = layerProblems(path, source);
    expect(problems.join('\n')).toContain(expected);
    expect(problems.join('\n')).toContain(path);
  });
});
