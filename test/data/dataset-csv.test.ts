import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Dataset, makeDataset } from '../../lib/data/dataset';
import { readDatasetCsv, saveDatasetCsv } from '../../lib/data/dataset-csv.node';
import { withOutliers } from '../../lib/data/outliers';
import { FileError } from '../../lib/errors';
import { rejectionOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

// The one test file that loads danfo.js, which takes a second or two.
const folder = temporaryFolder();
const committed = fileURLToPath(new URL('../../data/', import.meta.url));
const add5 = makeDataset({ operation: 'add', modulus: 5 });

const written = async (dataset: Dataset, name: string) => {
  const path = join(folder, name);
  await saveDatasetCsv(dataset, path);
  return readFileSync(path, 'utf8');
};

describe('saveDatasetCsv', () => {
  it('writes a line for each pair, under a header that names operation and modulus', async () => {
    expect(await written(makeDataset({ operation: 'div', modulus: 3 }), 'div-3.csv')).toBe(
      'a,b,div mod 3\n0,1,0\n0,2,0\n1,1,1\n1,2,2\n2,1,2\n2,2,1\n',
    );
    expect((await written(makeDataset({ operation: 's5xyx' }), 's5xyx.csv')).slice(0, 19)).toBe(
      'a,b,s5xyx\n0,0,0\n0,1',
    );
  });

  it('writes the same whatever the tokens, and replaces what was there', async () => {
    mkdirSync(join(folder, 'a'));
    const text = await written(add5, 'a/add-5.csv');
    expect(await written(makeDataset({ operation: 'sub', modulus: 5 }), 'a/add-5.csv')).not.toBe(text);
    const eos = makeDataset({ operation: 'add', modulus: 5, form: 'equation-eos' });
    expect(await written(eos, 'a/add-5.csv')).toBe(text);
    expect(readdirSync(join(folder, 'a'))).toEqual(['add-5.csv']);
  });

  it('says why it cannot', async () => {
    mkdirSync(join(folder, 'taken.csv/full'), { recursive: true });
    for (const path of ['taken.csv', 'none/add-5.csv', 'a/add-5.csv/below.csv']) {
      const message = await rejectionOf(FileError, saveDatasetCsv(add5, join(folder, path)));
      expect(message).toContain(`cannot write ${join(folder, path)}: `);
    }
    expect(existsSync(join(folder, 'taken.csv.tmp'))).toBe(false);
  });
});

describe('readDatasetCsv', () => {
  const path = join(folder, 'read.csv');
  const read = (text: string, options = {}) => {
    writeFileSync(path, text);
    return readDatasetCsv(path, options);
  };

  it('gives back what was written, in any token form', async () => {
    for (const task of [
      { operation: 'x3xy2y', modulus: 6 },
      { operation: 'div', modulus: 7 },
    ] as const) {
      const text = await written(makeDataset(task), 'back.csv');
      expect(await read(text)).toEqual(makeDataset(task));
      expect(await read(text, { form: 'pair' })).toEqual(makeDataset({ ...task, form: 'pair' }));
    }
  });

  it('takes the rows in any order, with the line ends of any system', async () => {
    const [header, ...rows] = (await written(add5, 'order.csv')).trimEnd().split('\n');
    const shuffled = [header, ...rows.reverse(), ''];
    expect(await read(shuffled.join('\n'))).toEqual(add5);
    expect(await read(`\ufeff${shuffled.join('\r\n')}`)).toEqual(add5);
  });

  const rows = ['a,b,add mod 2', '0,0,0', '0,1,1', '1,0,1', '1,1,0'];
  const damaged = (line: number, text: string) =>
    [...rows.slice(0, line - 1), text, ...rows.slice(line), ''].join('\n');

  it.each([
    ['no header', damaged(1, '0,0,0'), 'line 1 is "0,0,0": expected a header'],
    ['nothing', '', 'line 1 is "": expected a header'],
    ['another operation', damaged(1, 'a,b,sum mod 2'), 'line 1: operation "sum" does not exist'],
    ['no modulus', damaged(1, 'a,b,add'), 'line 1: operation "add" needs a modulus'],
    [
      'an impossible modulus',
      damaged(1, 'a,b,div mod 4'),
      'line 1: operation "div" is not defined for p = 4',
    ],
    ['a huge modulus', damaged(1, 'a,b,add mod 99999'), 'line 1: modulus p = 99999 is too large'],
    ['a letter', damaged(3, '0,1,l'), 'line 3: "l" is not a whole number'],
    ['a fraction', damaged(3, '0,1,1.5'), 'line 3: "1.5" is not a whole number'],
    ['an exponent', damaged(3, '0,1,1e0'), 'line 3: "1e0" is not a whole number'],
    ['a sign', damaged(3, '0,-1,1'), 'line 3: "-1" is not a whole number'],
    ['an empty cell', damaged(3, '0,,1'), 'line 3: "" is not a whole number'],
    ['a cell too few', damaged(4, '1,01'), 'line 4 has 2 cells, expected 3'],
    ['a cell too many', damaged(4, '1,0,1,'), 'line 4 has 4 cells, expected 3'],
    ['an empty line', damaged(3, ''), 'line 3 has 1 cells, expected 3'],
    ['a large a', damaged(4, '2,0,1'), 'line 4: a is 2, expected 0 to 1'],
    ['a large b', damaged(4, '1,2,1'), 'line 4: b is 2, expected 0 to 1'],
    ['a wrong result', damaged(4, '1,0,0'), 'line 4: the result of (1, 0) is 0, but add mod 2 gives 1'],
    ['a pair twice', damaged(4, '0,1,1'), 'line 4: the pair (0, 1) is on line 3 already'],
    [
      'a pair missing',
      damaged(4, '1,1,0').replace('1,1,0\n', ''),
      'has 3 rows, expected the 4 of add mod 2; the first pair missing is (1, 0)',
    ],
    ['a header alone', 'a,b,add mod 2\n', 'has 0 rows, expected the 4 of add mod 2'],
    ['a last line cut off', rows.join('\n'), 'line 5 is cut off'],
    ['division by 0', 'a,b,div mod 2\n0,0,0\n1,1,1\n', 'line 2: b is 0, expected 1 to 1'],
  ])('refuses %s, naming the line', async (_, text, expected) => {
    const message = await rejectionOf(FileError, read(text));
    expect(message).toContain(`${path}`);
    expect(message).toContain(expected);
  });

  it('refuses a 7 in the place of any character', async () => {
    const text = [...rows, ''].join('\n');
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}7${text.slice(at + 1)}`;
      await rejectionOf(FileError, read(changed));
    }
  });

  it('refuses outliers', async () => {
    const split = { train: Int32Array.of(7), validation: Int32Array.of(0) };
    const { training } = withOutliers(add5, split, { count: 1, seed: 0 });
    const message = await rejectionOf(FileError, read(await written(training, 'outliers.csv')));
    expect(message).toContain('line 9: the result of (1, 2) is');
  });

  it('refuses a file that is not there', async () => {
    const message = await rejectionOf(FileError, readDatasetCsv(join(folder, 'none.csv')));
    expect(message).toContain('cannot read');
  });
});

describe('the files in data/', () => {
  const tables = {
    'add-97.csv': { operation: 'add', modulus: 97 },
    'div-97.csv': { operation: 'div', modulus: 97 },
    's5.csv': { operation: 's5' },
  } as const;

  it.each(Object.entries(tables))('%s is what the code makes', async (name, task) => {
    const dataset = makeDataset(task);
    expect(readFileSync(join(committed, name), 'utf8').replaceAll('\r\n', '\n')).toBe(
      await written(dataset, name),
    );
    expect(await readDatasetCsv(join(committed, name))).toEqual(dataset);
  });

  it('are all that is there', () => {
    const files = readdirSync(committed).filter((name) => name.endsWith('.csv'));
    expect(files.sort()).toEqual(Object.keys(tables));
  });
});
