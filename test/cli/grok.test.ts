import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import { main } from '../../lib/cli/main.node';
import { encodeCheckpoint } from '../../lib/train/checkpoint';
import { datasetOf, runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import { readMetrics } from '../../lib/train/run-store.node';
import { decodeSafetensors, encodeSafetensors } from '../../lib/train/safetensors';
import { decoderTensors, gptTensors, powerTensors } from '../support/foreign';
import { openOracle } from '../support/oracle';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();

/** Runs the command line in this process; relative paths begin in the test's own folder. */
async function grok(...args: string[]) {
  let out = '';
  let err = '';
  const code = await main(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    directory: folder,
  });
  return { code, out, err };
}

const SMALL = '--p 11 --train-fraction .5 --d-model 16 --steps 30 --threads 1 --quiet'.split(' ');

describe('grok train', () => {
  it('leaves a run folder and prints its summary as one line of JSON', async () => {
    const { code, out, err } = await grok('train', ...SMALL, '--out', 'run', '--seed', '4', '--json');
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const summary = JSON.parse(lines[0] as string);
    expect(Object.keys(summary)).toEqual(
      expect.arrayContaining(
        'steps seconds msPerStep trainAccuracy validationAccuracy trainLoss validationLoss firstStepTrain99 firstStepValidation99 stoppedBy seed device threads versions'.split(
          ' ',
        ),
      ),
    );
    expect(summary).toMatchObject({ steps: 30, stoppedBy: 'steps', seed: 4, device: 'cpu', threads: 1 });
    const run = join(folder, 'run');
    expect(readdirSync(run).sort()).toEqual([
      'checkpoint.safetensors',
      'config.json',
      'metrics.csv',
      'summary.json',
    ]);
    expect(JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'))).toMatchObject({
      modulus: 11,
      seed: 4,
    });
    const rows = readMetrics(join(run, 'metrics.csv'));
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 25, 29]);
    expect(readFileSync(join(run, 'metrics.csv'), 'utf8').split('\n')[0]).toBe(
      'Epoch,Training Accuracy,Training Loss,Validation Accuracy,Validation Loss',
    );
    expect(rows.at(-1)?.trainLoss).toBeCloseTo(summary.trainLoss, 6);
  });

  it('takes every option', async () => {
    const options =
      'train --preset gpt --p 7 --train-rows 20 --seed 1 --steps 5 --stop-at-accuracy .99 --stop-evaluations 2 --eval-every 2 --optimizer adam --lr 1e-2 --weight-decay .01 --betas .8,.9 --d-model 12 --d-ff 20 --heads 3 --layers 2 --init unit --device cpu --threads 2 --quiet --out options';
    expect((await grok(...options.split(' '))).code).toBe(EXIT.done);
    expect(JSON.parse(readFileSync(join(folder, 'options', 'config.json'), 'utf8'))).toEqual({
      preset: 'gpt',
      operation: 'add',
      modulus: 7,
      trainRows: 20,
      seed: 1,
      steps: 5,
      stopAtAccuracy: 0.99,
      stopEvaluations: 2,
      evalEvery: 2,
      optimizer: 'adam',
      learningRate: 0.01,
      weightDecay: 0.01,
      betas: [0.8, 0.9],
      dModel: 12,
      dFF: 20,
      heads: 3,
      layers: 2,
      init: 'unit',
    });
  });

  it('does not overwrite a run unless told to', async () => {
    await grok('train', ...SMALL, '--out', 'twice');
    const again = await grok('train', ...SMALL, '--out', 'twice');
    expect(again.code).toBe(EXIT.failure);
    expect(again.err).toContain('twice');
    expect((await grok('train', ...SMALL, '--out', 'twice', '--overwrite')).code).toBe(EXIT.done);
  });

  it('goes on with a run by --resume, and says where one has ended or is another', async () => {
    const first = await grok('train', ...SMALL, '--out', 'again', '--resume', '--json');
    expect(first).toMatchObject({ code: EXIT.done, err: '' });
    const again = await grok('train', ...SMALL, '--out', 'again', '--resume', '--json');
    expect(again).toEqual({
      code: EXIT.done,
      out: first.out,
      err: `grok: ${join(folder, 'again')} holds this run, and it has ended: nothing to do.\n`,
    });
    const other = await grok('train', ...SMALL, '--out', 'again', '--resume', '--lr', '.5');
    expect(other).toMatchObject({ code: EXIT.failure, out: '' });
    expect(other.err).toContain('lr is 0.001 there and 0.5 here');
    expect(other.err.trimEnd().split('\n')).toHaveLength(1);
    const nowhere = await grok('train', ...SMALL, '--resume');
    expect(nowhere).toMatchObject({ code: EXIT.badArguments });
    expect(nowhere.err).toContain('add --out');
  });

  it('stops at a loss that is no longer a number, with exit code 1 and the step', async () => {
    const { code, err } = await grok(
      'train',
      ...SMALL,
      '--lr',
      '1e30',
      '--weight-decay',
      '0',
      '--out',
      'nan',
    );
    expect(code).toBe(EXIT.failure);
    expect(err).toMatch(/NaN or infinite at step \d+/);
    expect(existsSync(join(folder, 'nan', 'checkpoint.safetensors'))).toBe(true);
  });

  it.each([
    ['--p 1', 'p = 1'],
    ['--p 2.5', '2.5'],
    ['--p abc', "'abc'"],
    ['--train-fraction 1', '1'],
    ['--train-fraction 0', '0'],
    ['--train-rows 122', '122'],
    ['--d-model 15', '15'],
    ['--lr 0', 'lr is 0'],
    ['--betas .9', "'.9'"],
    ['--betas .9,1', '[0.9, 1]'],
    ['--optimizer sgd', 'sgd'],
    ['--init none', 'none'],
    ['--device tpu', 'tpu'],
    ['--threads 0', '0'],
    ['--stop-at-accuracy 99', '99'],
    ['--operation div', 'div'],
    ['--no-such-option', 'no-such-option'],
  ])('refuses %s in one line, with exit code 2 and nothing left behind', async (option, part) => {
    const { code, out, err } = await grok('train', ...SMALL, '--out', 'bad', ...option.split(' '));
    expect(code).toBe(EXIT.badArguments);
    expect(out).toBe('');
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain(part);
    expect(existsSync(join(folder, 'bad'))).toBe(false);
  });

  it('refuses a folder that cannot be written, in one line', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { code, err } = await grok('train', ...SMALL, '--out', join('file', 'run'));
    expect(code).toBe(EXIT.failure);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain(join('file', 'run'));
  });
});

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
  });

  it('reads the weights of the paper’s released code, for rows as long as they are', async () => {
    writeFileSync(join(folder, 'power.safetensors'), encodeSafetensors(powerTensors()));
    writeFileSync(join(folder, 'equations.csv'), rowsOf('power', 'equation.x', 4));
    const { code, out } = await grok('predict', 'power.safetensors', '--tokens', 'equations.csv');
    expect(code).toBe(EXIT.done);
    expect(numbersOf(out)).toMatchReference(openOracle('power').numbers('f64.equation.logits'), 1e-5);
  });

  it('prints the logits of both answers in a line', async () => {
    const config = runConfig({ model: 'power', tokens: 'equation-eos', modulus: 5, dModel: 8, heads: 2 });
    writeFileSync(join(folder, 'two.safetensors'), encodeCheckpoint(prepareRun(config).initial, config));
    writeFileSync(join(folder, 'row.csv'), '5,1,7,2,6,3\n');
    const { code, out } = await grok('predict', 'two.safetensors', '--tokens', 'row.csv');
    expect(code).toBe(EXIT.done);
    expect(numbersOf(out)).toHaveLength(2 * datasetOf(config).classes);
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
  });

  it.each([
    ['0,1,14\n', '14'],
    ['0,1,2\n0,-1,13\n', 'line 2'],
    ['0,x,13\n', "'x'"],
    ['0,1\n', '2 tokens'],
    ['', 'no rows'],
    ['1;2;13\n', 'commas'],
    ['0x1,1,13\n', "'0x1'"],
    ['1.0,1,13\n', "'1.0'"],
    ['0,1,13\n\n0,1,13\n', 'line 2'],
  ])('refuses tokens %j in one line, and writes nothing', async (text, part) => {
    writeFileSync(join(folder, 'bad.csv'), text);
    const args = ['--tokens', 'bad.csv', '--out', 'never.csv', '--heads', '4'];
    const { code, err } = await grok('predict', 'foreign.safetensors', ...args);
    expect(code).not.toBe(EXIT.done);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain(part);
    expect(existsSync(join(folder, 'never.csv'))).toBe(false);
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

describe.skipIf(process.platform === 'win32')('interrupting a run', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s: exit code 130, a loadable checkpoint and whole lines of metrics',
    async (signal) => {
      const out = join(folder, signal);
      const script = fileURLToPath(new URL('../../scripts/grok.mjs', import.meta.url));
      const args = [
        'train',
        '--p',
        '23',
        '--d-model',
        '32',
        '--steps',
        '1000000',
        '--threads',
        '1',
        '--out',
        out,
      ];
      const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      let started = false;
      child.stderr.on('data', () => {
        if (!started) child.kill(signal);
        started = true;
      });
      const code = await new Promise((resolve) => child.on('exit', resolve));
      expect(code).toBe(EXIT.interrupted);
      const { metadata } = decodeSafetensors(readFileSync(join(out, 'checkpoint.safetensors')));
      const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
      expect(summary.stoppedBy).toBe('signal');
      expect(Number(metadata.step)).toBe(summary.steps);
      expect(readFileSync(join(out, 'metrics.csv'), 'utf8').endsWith('\n')).toBe(true);
      expect(readMetrics(join(out, 'metrics.csv')).length).toBeGreaterThan(0);
    },
  );
});
