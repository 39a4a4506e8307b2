import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import { DEVICE_REQUESTS } from '../../lib/compile/devices';
import { readMetrics } from '../../lib/train/run-store.node';
import { decodeSafetensors } from '../../lib/train/safetensors';
import { grokIn, SMALL } from '../support/grok';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();
const grok = grokIn(folder);

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

  it('takes every option of a gpt', async () => {
    const options =
      'train --preset gpt --p 7 --train-rows 20 --seed 1 --steps 5 --stop-at-accuracy .99 --stop-evaluations 2 --eval-every 2 --optimizer adam --lr 1e-2 --weight-decay .01 --betas .8,.9 --d-model 12 --d-ff 20 --heads 3 --layers 2 --init unit --operation sub --tokens pair --split with-replacement --split-seed 3 --outliers 2 --batch-size 8 --warmup 2 --weight-noise .01 --gradient-noise .02 --decay-to init --device cpu --threads 2 --quiet --out options';
    expect((await grok(...options.split(' '))).code).toBe(EXIT.done);
    expect(JSON.parse(readFileSync(join(folder, 'options', 'config.json'), 'utf8'))).toEqual({
      preset: 'gpt',
      model: 'gpt',
      operation: 'sub',
      modulus: 7,
      tokens: 'pair',
      trainRows: 20,
      split: 'with-replacement',
      splitSeed: 3,
      outliers: 2,
      seed: 1,
      steps: 5,
      stopAtAccuracy: 0.99,
      stopEvaluations: 2,
      evalEvery: 2,
      batchSize: 8,
      optimizer: 'adam',
      learningRate: 0.01,
      warmup: 2,
      weightDecay: 0.01,
      decayTo: 'init',
      betas: [0.8, 0.9],
      weightNoise: 0.01,
      gradientNoise: 0.02,
      dropout: 0,
      dropoutInValidation: false,
      dModel: 12,
      dFF: 20,
      heads: 3,
      layers: 2,
      init: 'unit',
    });
  });

  it('takes every option of the TrueGrad optimisers, and goes on after its target', async () => {
    const options =
      '--optimizer tgadamw --betas .8,.9 --b3 .95 --no-graft --truegrad token --eps 1e-6 --stop-at-accuracy .001 --steps-after-target 7 --eval-every 5';
    const { code, out } = await grok('train', ...SMALL, '--out', 'tg', ...options.split(' '), '--json');
    expect(code).toBe(EXIT.done);
    expect(JSON.parse(readFileSync(join(folder, 'tg', 'config.json'), 'utf8'))).toMatchObject({
      optimizer: 'tgadamw',
      betas: [0.8, 0.9],
      beta3: 0.95,
      graft: false,
      trueGrad: 'token',
      eps: 1e-6,
      stopAtAccuracy: 0.001,
      stepsAfterTarget: 7,
    });
    const { steps, stoppedBy, firstStepTrain99 } = JSON.parse(out);
    expect({ stoppedBy, firstStepTrain99 }).toEqual({ stoppedBy: 'target', firstStepTrain99: null });
    const rows = readMetrics(join(folder, 'tg', 'metrics.csv'));
    expect(steps).toBe((rows.find((row) => row.validationAccuracy >= 0.001)?.epoch as number) + 7);
    expect(rows.at(-1)?.epoch).toBe(steps - 2);
  });

  it('reports in words that its seconds include the evaluations', async () => {
    const { out } = await grok('train', ...SMALL.filter((arg) => arg !== '--quiet'), '--out', 'words');
    expect(out).toMatch(
      /^30 steps in [\d.]+ s, evaluations included; [\d.]+ ms a training step alone; run folder words$/m,
    );
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

  it('goes on by --resume with the options that the folder has, but for those given', async () => {
    const small = SMALL.filter((arg, i) => arg !== '--steps' && SMALL[i - 1] !== '--steps');
    await grok('train', ...SMALL, '--lr', '2e-3', '--train-fraction', '.4', '--out', 'own');
    expect(await grok('train', '--out', 'own', '--resume')).toMatchObject({
      code: EXIT.done,
      err: expect.stringContaining('it has ended: nothing to do.'),
    });
    const grown = await grok(
      'train',
      '--out',
      'own',
      '--resume',
      '--steps',
      '50',
      '--threads',
      '1',
      '--quiet',
    );
    expect(grown).toEqual({ code: EXIT.done, out: '', err: 'grok: going on from step 30 of 50\n' });
    const whole = ['--lr', '2e-3', '--train-fraction', '.4', '--steps', '50', '--out', 'whole'];
    await grok('train', ...small, ...whole);
    for (const file of ['config.json', 'metrics.csv', 'checkpoint.safetensors']) {
      expect(readFileSync(join(folder, 'own', file))).toEqual(readFileSync(join(folder, 'whole', file)));
    }
    const refused = async (...more: string[]) => {
      const { code, err } = await grok('train', '--out', 'own', '--resume', ...more);
      expect(code).toBe(EXIT.failure);
      return err;
    };
    expect(await refused('--seed', '5')).toContain(
      'own holds a run of another configuration: seed is 0 there',
    );
    expect(await refused('--train-rows', '20')).toContain('train-rows is not set there and 20 here');
    expect(await refused('--preset', 'decoder')).toContain('preset is "gpt" there and "decoder" here');
  });

  it('takes the options from the checkpoint where config.json is damaged, and writes that anew', async () => {
    await grok('train', ...SMALL, '--lr', '2e-3', '--out', 'torn');
    const config = join(folder, 'torn', 'config.json');
    const before = readFileSync(config);
    writeFileSync(config, '{');
    const { code, err } = await grok('train', '--out', 'torn', '--resume', '--quiet');
    expect({ code, err }).toMatchObject({ code: EXIT.done, err: expect.stringContaining('written anew') });
    expect(readFileSync(config)).toEqual(before);
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
    ['--p abc', "p = 'abc' is not an integer of at least 2"],
    ['--lr abc', "lr is 'abc', expected a positive number such as 1e-3"],
    ['--weight-noise x', "weight-noise is 'x', expected a number of at least 0 such as .01"],
    ['--batch-size third', "batch-size is 'third', expected a number of rows of at least 1, full or half"],
    ['--steps x', "steps is 'x', expected an integer from 1"],
    ['--d-model x', "d-model is 'x', expected an integer"],
    ['--checkpoint-seconds x', "checkpoint-seconds is 'x', expected a finite number"],
    ['--train-fraction 1', '1'],
    ['--train-fraction 0', '0'],
    ['--train-rows 122', '122'],
    ['--d-model 15', '15'],
    ['--lr 0', 'lr is 0'],
    ['--betas .9', "'.9'"],
    ['--betas .9,1', '[0.9, 1]'],
    ['--optimizer sgd', 'sgd'],
    ['--b3 .9', "b3 is 0.9, but the optimiser 'adamw' has no such option"],
    ['--optimizer tgadamw --b3 x', "b3 is 'x', expected a number in [0, 1)"],
    ['--truegrad all', 'exact, token, released'],
    ['--eps-mode floor --eps 0', 'eps is 0'],
    ['--steps-after-target 5', 'no stop-at-accuracy'],
    ['--init none', 'none'],
    ['--device tpu', 'tpu'],
    ['--threads 0', 'threads is 0'],
    ['--threads x', "threads is 'x'"],
    ['--threads 9999', `threads is 9999, this machine has ${availableParallelism()} core`],
    ['--stop-at-accuracy 99', '99'],
    ['--operation divide', 'divide'],
    ['--no-such-option', "unknown option '--no-such-option'; see `grok train --help`"],
    ['--setps 3', 'Did you mean --steps?'],
    ['surplus', "'surplus' is one argument too many for train"],
  ])('refuses %s in one line, with exit code 2 and nothing left behind', async (option, part) => {
    const { code, out, err } = await grok('train', ...SMALL, '--out', 'bad', ...option.split(' '));
    expect(code).toBe(EXIT.badArguments);
    expect(out).toBe('');
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err.startsWith('grok: ')).toBe(true);
    expect(err).toContain(part);
    expect(existsSync(join(folder, 'bad'))).toBe(false);
  });

  it.each([
    [['trian'], "grok: unknown command 'trian' (Did you mean train?); see `grok --help`\n"],
    [
      ['predict', '--tokens', 'a'],
      "grok: missing required argument 'checkpoint'; see `grok predict --help`\n",
    ],
  ])('refuses %j as any other mistake', async (args, err) => {
    expect(await grok(...args)).toEqual({ code: EXIT.badArguments, out: '', err });
  });

  it('refuses a folder that cannot be written, in one line', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { code, err } = await grok('train', ...SMALL, '--out', join('file', 'run'));
    expect(code).toBe(EXIT.failure);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain(join('file', 'run'));
  });
});

describe('grok train --help', () => {
  it('groups the options, and says what their defaults are and where others stand', async () => {
    const { code, out } = await grok('train', '--help');
    expect(code).toBe(EXIT.done);
    const text = out.replaceAll(/\s+/g, ' ');
    const places = [
      ...[
        'Run:',
        '--device <name>',
        'Data:',
        '--operation <name>',
        'Model:',
        '--heads',
        'Optimiser:',
        '--lr',
      ],
      ...['"(gpt: x)"', 'grok presets NAME'],
    ].map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(text).toContain(`where to run: ${DEVICE_REQUESTS.join(', ')}`);
    expect(text).toMatch(/--mask <kind> [^-]*-up [^(]*\(decoder: causal\)/);
    expect(text).toContain('(decoder: sinusoidal)');
    expect(text).toContain('"adamw", "adam", "tgadamw", "tglaprop", "tgrmsprop"');
    expect(text).toMatch(
      /--b3 <number> .*--eps <number> .*--eps-mode <mode> .*--truegrad <form> .*--no-graft /,
    );
    // No option is left without a group but commander's own.
    expect(text).toContain(' Options: -h, --help display help for command "(gpt: x)"');
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
      let messages = '';
      let interrupted = false;
      child.stderr.on('data', (text: Buffer) => {
        messages += text;
        // Before the training's own first line others may come, such as one about a build of lib under way.
        if (interrupted || !/^step [\d,]+ of /m.test(messages)) return;
        interrupted = child.kill(signal);
      });
      const code = await new Promise((resolve) => child.on('exit', resolve));
      expect(code, messages).toBe(EXIT.interrupted);
      const { metadata } = decodeSafetensors(readFileSync(join(out, 'checkpoint.safetensors')));
      const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
      expect(summary.stoppedBy).toBe('signal');
      expect(Number(metadata.step)).toBe(summary.steps);
      expect(readFileSync(join(out, 'metrics.csv'), 'utf8').endsWith('\n')).toBe(true);
      expect(readMetrics(join(out, 'metrics.csv')).length).toBeGreaterThan(0);
    },
  );
});
