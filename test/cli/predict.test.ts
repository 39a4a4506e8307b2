import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import { encodeCheckpoint, encodeParameters } from '../../lib/train/checkpoint';
import { datasetOf, runConfig } from '../../lib/train/config';
import { sealed } from '../../lib/train/digest.node';
import { prepareRun } from '../../lib/train/prepare';
import { encodeSafetensors } from '../../lib/train/safetensors';
import { decoderTensors, gptTensors, powerTensors } from '../support/foreign';
import { grokIn, SMALL } from '../support/grok';
import { openOracle } from '../support/oracle';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();
const grok = grokIn(folder);

describe('grok predict', () => {
  const tokens = openOracle('c_gpt').integers('x');
  const csv = Array.from({ length: 169 }, (_, row) => tokens.subarray(3 * row, 3 * row + 3).join(',')).join(
    '\n',
  );
  writeFileSync(join(folder, 'rows.csv'), `${csv}\n`);
  writeFileSync(join(folder, 'foreign.safetensors'), encodeSafetensors(gptTensors()));

  it('prints PyTorch’s logits for weights made elsewhere', async () => {
    const args = ['--tokens', 'rows.csv', '--out', 'logits.csv', '--model', 'gpt', '--heads', '4'];
    expect(await grok('predict', 'foreign.safetensors', ...args)).toMatchObject({ code: EXIT.done, err: '' });
    const lines = readFileSync(join(folder, 'logits.csv'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(169);
    expect(lines.flatMap((line) => line.split(',').map(Number))).toMatchReference(
      openOracle('c_gpt').numbers('f64.fixed.logits_last'),
      1e-5,
    );
  });

  /** Rows of tokens of a reference file, as CSV. */
  const rowsOf = (name: string, key: string, width: number) =>
    [...openOracle(name).integers(key)]
      .map((token, i) => `${token}${(i + 1) % width === 0 ? '\n' : ','}`)
      .join('');
  const numbersOf = (csv: string) => csv.trimEnd().split(/[\n,]/).map(Number);

  it('reads write-up 1’s weights as PyTorch saves them', async () => {
    writeFileSync(join(folder, 'pytorch.safetensors'), encodeSafetensors(decoderTensors()));
    writeFileSync(join(folder, 'pairs.csv'), rowsOf('b_decoder', 'x', 3));
    const args = ['predict', 'pytorch.safetensors', '--tokens', 'pairs.csv'];
    const { code, out, err } = await grok(...args, ...'--model decoder --heads 4 --mask additive'.split(' '));
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    const reference = openOracle('b_decoder').numbers('f64.tril.logits');
    const last = Array.from(reference).filter((_, i) => Math.floor(i / 13) % 3 === 2);
    expect(numbersOf(out)).toMatchReference(last, 1e-5);
    const bare = await grok(...args);
    expect(bare.code).toBe(EXIT.failure);
    expect(bare.err).toMatch(/^[^\n]*pytorch\.safetensors[^\n]*--heads[^\n]*--mask[^\n]*\n$/);
    expect(bare.err).not.toContain('--model');
    const masked = await grok(...args, '--mask', 'additive');
    expect(masked.err).toContain('add --heads N');
    expect(masked.err).not.toContain('--mask');
  });

  it('reads the weights of the paper’s released code, for rows as long as they are', async () => {
    writeFileSync(join(folder, 'power.safetensors'), encodeSafetensors(powerTensors()));
    writeFileSync(join(folder, 'equations.csv'), rowsOf('power', 'equation.x', 4));
    const { code, out } = await grok('predict', 'power.safetensors', '--tokens', 'equations.csv');
    expect(code).toBe(EXIT.done);
    expect(numbersOf(out)).toMatchReference(openOracle('power').numbers('f64.equation.logits'), 1e-5);
  });

  it('prints the answers alone by --answers, a row a line', async () => {
    const args = ['foreign.safetensors', '--tokens', 'rows.csv', '--heads', '4', '--answers'];
    const { code, out } = await grok('predict', ...args);
    expect(code).toBe(EXIT.done);
    const reference = Array.from(openOracle('c_gpt').numbers('f64.fixed.logits_last'));
    const answers = Array.from({ length: 169 }, (_, row) => {
      const own = reference.slice(13 * row, 13 * (row + 1));
      return own.indexOf(Math.max(...own));
    });
    expect(numbersOf(out)).toEqual(answers);
    expect(out.trimEnd().split('\n')).toHaveLength(169);
  });

  it('prints the logits of both answers in a line', async () => {
    const config = runConfig({ model: 'power', tokens: 'equation-eos', modulus: 5, dModel: 8, heads: 2 });
    writeFileSync(join(folder, 'two.safetensors'), encodeCheckpoint(prepareRun(config).initial, config));
    writeFileSync(join(folder, 'row.csv'), '5,1,7,2,6,3\n');
    const { code, out } = await grok('predict', 'two.safetensors', '--tokens', 'row.csv');
    expect(code).toBe(EXIT.done);
    const { classes } = datasetOf(config);
    const logits = numbersOf(out);
    expect(logits).toHaveLength(2 * classes);
    const largest = [logits.slice(0, classes), logits.slice(classes)].map((own) =>
      own.indexOf(Math.max(...own)),
    );
    const answers = await grok('predict', 'two.safetensors', '--tokens', 'row.csv', '--answers');
    expect(answers).toEqual({ code: EXIT.done, out: `${largest.join(',')}\n`, err: '' });
  });

  it('reads rows with a byte order mark, spaces and any line ends', async () => {
    writeFileSync(join(folder, 'odd.csv'), '\uFEFF0, 1,13\r\n2,3,13\n4,5,13');
    const { code, out } = await grok('predict', 'foreign.safetensors', '--tokens', 'odd.csv', '--heads', '4');
    expect(code).toBe(EXIT.done);
    expect(out.trimEnd().split('\n')).toHaveLength(3);
  });

  it('refuses a number of heads that contradicts the checkpoint', async () => {
    await grok('train', ...SMALL, '--out', 'four-heads');
    const args = ['--tokens', 'rows.csv', '--heads', '2'];
    const { code, err } = await grok('predict', join('four-heads', 'checkpoint.safetensors'), ...args);
    expect(code).toBe(EXIT.failure);
    expect(err).toContain('4 heads');
  });

  it('writes through a symbolic link and leaves it in place', async () => {
    writeFileSync(join(folder, 'real.csv'), '');
    symlinkSync('real.csv', join(folder, 'link.csv'));
    const args = ['--tokens', 'rows.csv', '--heads', '4', '--out'];
    expect((await grok('predict', 'foreign.safetensors', ...args, 'link.csv')).code).toBe(EXIT.done);
    expect(lstatSync(join(folder, 'link.csv')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'real.csv'), 'utf8').split('\n')).toHaveLength(170);
  });

  it('reads a checkpoint of its own without further words, and writes to standard output by default', async () => {
    await grok('train', ...SMALL, '--out', 'trained');
    writeFileSync(join(folder, 'two.csv'), '3,4,11\n0,10,11\n');
    const { code, out } = await grok(
      'predict',
      join('trained', 'checkpoint.safetensors'),
      '--tokens',
      'two.csv',
    );
    expect(code).toBe(EXIT.done);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(',').length)).toEqual([11, 11]);
    expect(await grok('predict', 'trained', '--tokens', 'two.csv')).toEqual({
      code: EXIT.done,
      out,
      err: '',
    });
    const elsewhere = await grok('predict', '.', '--tokens', 'two.csv');
    expect(elsewhere).toMatchObject({ code: EXIT.failure, out: '' });
    expect(elsewhere.err).toMatch(/^grok: [^\n]*checkpoint\.safetensors[^\n]*\n$/);
  });

  it.each([
    ['0,1,14\n', '14'],
    ['0,1,2\n0,-1,13\n', 'line 2'],
    ['0,x,13\n', "'x'"],
    ['0,1\n', '2 tokens'],
    ['', 'no rows'],
    ['\n \n', 'no rows'],
    ['0,.5,13\n', "'.5' is no whole number in digits, expected an integer from 0 to 13"],
    ['0,14,13\n', "'14' is out of range"],
    ['0,-1,13\n', "'-1' is out of range"],
    ['1;2;13\n', 'commas'],
    ['0x1,1,13\n', "'0x1'"],
    ['1.0,1,13\n', "'1.0' is no whole number in digits"],
    ['0,1,13\n\n0,1,13\n', 'line 2'],
    ['a,b,equals\n0,1,13\n', 'line 1 is not numbers; the file must have no header'],
  ])('refuses tokens %j in one line, and writes nothing', async (text, part) => {
    writeFileSync(join(folder, 'bad.csv'), text);
    const args = ['--tokens', 'bad.csv', '--out', 'never.csv', '--heads', '4'];
    const { code, err } = await grok('predict', 'foreign.safetensors', ...args);
    expect(code).toBe(EXIT.badArguments);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain(part);
    expect(existsSync(join(folder, 'never.csv'))).toBe(false);
  });

  it('refuses weights whose digest is another one, and reads them without one', async () => {
    const config = runConfig({ modulus: 5, dModel: 8, heads: 2 });
    const plain = encodeParameters(prepareRun(config).initial.params, config, 0);
    const whole = sealed(plain);
    const damaged = Uint8Array.from(whole);
    damaged[damaged.length - 3] = (damaged.at(-3) as number) ^ 1;
    writeFileSync(join(folder, 'mod5.csv'), '1,2,5\n');
    const answers = [];
    for (const bytes of [plain, whole, damaged]) {
      writeFileSync(join(folder, 'weights.safetensors'), bytes);
      answers.push(await grok('predict', 'weights.safetensors', '--tokens', 'mod5.csv', '--answers'));
    }
    expect(answers[1]).toMatchObject({ code: EXIT.done, out: expect.stringMatching(/^[0-4]\n$/) });
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[2]).toMatchObject({ code: EXIT.failure, out: '' });
    expect(answers[2]?.err).toMatch(/^grok: [^\n]*weights\.safetensors is damaged: its digest[^\n]*\n$/);
  });

  it.each([[[]], [['--answers']]])(
    'refuses logits that are not finite, naming the row and the tensor, %j',
    async (more) => {
      const args = ['predict', 'broken.safetensors', '--tokens', 'three.csv', '--heads', '4', ...more];
      writeFileSync(join(folder, 'three.csv'), '1,2,13\n3,4,13\n4,3,13\n');
      const withEmbedding = (change: (data: Float32Array) => void) => {
        const tensors = gptTensors();
        change(tensors.get('tok_embed')?.data as Float32Array); // [14, 16]
        writeFileSync(join(folder, 'broken.safetensors'), encodeSafetensors(tensors));
        return grok(...args);
      };
      // The token 3, which the first row does not have.
      const oneToken = await withEmbedding((data) => data.fill(Number.NaN, 3 * 16, 4 * 16));
      expect(oneToken).toEqual({
        code: EXIT.failure,
        out: '',
        err: "grok: the model gives NaN as a logit of three.csv line 2: 'tok_embed' in broken.safetensors has NaN among its weights; give a checkpoint of finite weights\n",
      });
      const tooLarge = await withEmbedding((data) => data.fill(3e38));
      expect(tooLarge).toMatchObject({ code: EXIT.failure, out: '' });
      expect(tooLarge.err).toContain(
        'three.csv line 1: the weights in broken.safetensors are finite, but too large',
      );
    },
  );

  it('says that the folder of the file to write does not exist', async () => {
    const args = ['--tokens', 'rows.csv', '--heads', '4', '--out', join('nodir', 'x.csv')];
    const { code, err } = await grok('predict', 'foreign.safetensors', ...args);
    expect(code).toBe(EXIT.failure);
    expect(err).toContain(`the folder ${join(folder, 'nodir')} does not exist`);
  });

  it.each(['x', '0', '2.5'])('refuses %s heads', async (heads) => {
    const { code, err } = await grok(
      'predict',
      'foreign.safetensors',
      '--tokens',
      'rows.csv',
      '--heads',
      heads,
    );
    expect(code).toBe(EXIT.badArguments);
    expect(err).toContain('expected an integer of at least 1');
  });

  it('refuses a truncated, a missing and a headless checkpoint, each in one line that names it', async () => {
    const whole = readFileSync(join(folder, 'foreign.safetensors'));
    writeFileSync(join(folder, 'short.safetensors'), whole.subarray(0, whole.length - 100));
    for (const name of ['short.safetensors', 'missing.safetensors', 'foreign.safetensors']) {
      const { code, err } = await grok('predict', name, '--tokens', 'rows.csv');
      expect(code).toBe(EXIT.failure);
      expect(err.trimEnd().split('\n')).toHaveLength(1);
      expect(err).toContain(name);
    }
  });
});
