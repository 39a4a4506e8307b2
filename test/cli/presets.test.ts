import { describe, expect, it } from 'vitest';
import { EXIT } from '../../lib/cli/exit';
import { main } from '../../lib/cli/main.node';
import { type RunConfig, runConfig } from '../../lib/train/config';
import { PRESET_NAMES, PRESETS, type PresetName } from '../../lib/train/presets';

async function presets(...args: string[]) {
  let out = '';
  let err = '';
  const code = await main(['presets', ...args], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    directory: '.',
  });
  return { code, out, err };
}

describe('grok presets', () => {
  it('lists every preset with a line on what it is and how it differs from its base', async () => {
    const { code, out, err } = await presets();
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual([...PRESET_NAMES]);
    expect(out).toContain(
      [
        'power-dropout',
        "    The paper's comparison on S5, 4 of 9: Adam with residual dropout.",
        '    power-adam but dropout 0.1',
      ].join('\n'),
    );
    expect(out).toContain('optimizer adam, weight-decay 0.01, dropout-in-validation on, mask additive\n');
    expect(out).toMatch(/^ {4}model gpt, operation add, p 113,/m);
  });

  it('fits in 100 columns, breaking lines between values only', async () => {
    const lines = (await presets()).out.trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    const broken = lines.filter((line, i) => line.startsWith(' ') && line.endsWith(',') && lines[i + 1]);
    expect(broken.length).toBeGreaterThan(1);
    expect(broken.filter((line) => line.length < 70)).toEqual([]);
  });

  it('prints all of it as one line of JSON', async () => {
    const { out } = await presets('--json');
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    const list = JSON.parse(out) as { name: string; base?: string; differences: object; values: object }[];
    expect(list.map(({ name }) => name)).toEqual([...PRESET_NAMES]);
    expect(list.find(({ name }) => name === 'power-adam-full-batch-noise')).toEqual({
      name: 'power-adam-full-batch-noise',
      description: expect.any(String),
      base: 'power-adam-full-batch',
      differences: { gradientNoise: 1 },
      values: expect.objectContaining({ operation: 's5', gradientNoise: 1 }),
    });
  });

  it('prints one with all its values, a line each', async () => {
    const { code, out, err } = await presets('decoder');
    expect({ code, err }).toEqual({ code: EXIT.done, err: '' });
    const [name, description, blank, ...values] = out.trimEnd().split('\n');
    expect([name, blank]).toEqual(['decoder', '']);
    expect(description).toContain('causal, decoupled decay');
    expect(values).toHaveLength(Object.keys(PRESETS.decoder).length);
    const words = values.map((line) => line.trim().split(/ +/));
    expect(words).toContainEqual(['lr', '0.0003']);
    expect(words).toContainEqual(['heads', '4']); // its base's
    expect(words).toContainEqual(['dropout-in-validation', 'off']);
    expect(JSON.parse((await presets('decoder', '--json')).out)).toMatchObject([{ values: PRESETS.decoder }]);
  });

  it('names a modulus where a run of the preset has one: not for permutations', async () => {
    const list = JSON.parse((await presets('--json')).out) as {
      name: PresetName;
      values: Partial<RunConfig>;
    }[];
    for (const { name, values } of list) {
      const { modulus } = runConfig({ preset: name });
      expect([name, values.modulus]).toEqual([name, modulus]);
      const [shown] = /^ +p +\d+$/m.exec((await presets(name)).out) ?? [];
      expect([name, shown?.trim().split(/ +/)[1]]).toEqual([name, modulus?.toString()]);
    }
    expect(runConfig({ preset: 'power-adam', operation: 'add' })).toMatchObject({ modulus: 97 });
  });

  it('refuses a name that none has in one line with those there are', async () => {
    const { code, out, err } = await presets('deco');
    expect({ code, out }).toEqual({ code: EXIT.badArguments, out: '' });
    expect(err).toBe(`grok: preset is 'deco', expected one of ${PRESET_NAMES.join(', ')}\n`);
  });
});
