import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import { main } from '../../lib/cli/main.node';
import { COMPILED_DEVICES } from '../../lib/compile/devices';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();

/** Trains the smallest model there is on a device. */
async function train(device: string, ...further: string[]) {
  let [out, err] = ['', ''];
  const streams = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    directory: folder,
  };
  const small = '--p 5 --train-fraction .5 --d-model 8 --steps 6 --eval-every 3 --threads 1'.split(' ');
  const name = device.replace(':', '-');
  const args = ['train', ...small, '--device', device, '--out', name, ...further];
  const code = await main(args, streams);
  return { code, out, err, run: join(folder, name) };
}

const lossesOf = (run: string) =>
  readFileSync(join(run, 'metrics.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(',')[2]));

describe('grok train --device', () => {
  it('trains eagerly with the losses of the compiled step, and records where', async () => {
    const compiled = await train('cpu', '--quiet');
    const eager = await train('tfjs:cpu', '--quiet', '--json');
    expect([compiled.code, eager.code, eager.err]).toEqual([EXIT.done, EXIT.done, '']);
    expect(JSON.parse(eager.out)).toMatchObject({ device: 'tfjs:cpu', steps: 6 });
    expect(JSON.parse(eager.out).versions.runtime).toMatch(/^@tensorflow\/tfjs-backend-cpu \d/);
    const losses = lossesOf(compiled.run);
    expect(losses.length).toBe(3);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(lossesOf(eager.run)).toMatchReference(losses, 1e-5);
  });

  it('auto says what it chose and why, and records it', async () => {
    const { code, out, run } = await train('auto');
    expect(code).toBe(EXIT.done);
    const summary = JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'));
    expect(COMPILED_DEVICES).toContain(summary.device);
    expect(summary.deviceReason).toMatch(/\S/);
    expect(out).toContain(`device      ${summary.device} (${summary.deviceReason})\n`);
  });

  it('that is not installed: one line that says how to get it', async () => {
    const { code, out, err } = await train('tfjs:node', '--quiet');
    expect({ code, out }).toEqual({ code: EXIT.failure, out: '' });
    expect(err).toMatch(/^grok: the device 'tfjs:node' is not there: .*; to get it: .*npm install[^\n]*\n$/);
  });

  it('that nobody knows: bad arguments, with the names', async () => {
    const { code, err } = await train('tpu');
    expect({ code, err }).toEqual({
      code: EXIT.badArguments,
      err: "grok: device is 'tpu', expected cpu, webgpu, cuda, auto, tfjs:cpu, tfjs:wasm, tfjs:node, tfjs:node-gpu\n",
    });
  });
});
