import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Contender, ContenderError } from '../../bench/harness/contender.mjs';

const program = fileURLToPath(new URL('fakes/contender.mjs', import.meta.url));
const started: Contender[] = [];

function start(behaviour: string, { timeoutMs = 20_000, command = process.execPath } = {}): Contender {
  const spec = { name: 'fake-1', description: 'a fake', command, args: [program], env: { FAKE: behaviour } };
  const contender = new Contender(spec, { timeoutMs });
  started.push(contender);
  return contender;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((contender) => contender.close()));
});

describe('Contender', () => {
  it('introduces itself, trains on command and ends when told', async () => {
    const contender = start('well');
    const ready = await contender.ready();
    expect(ready).toEqual({
      name: 'fake',
      versions: { fake: '1.0' },
      settings: { fast: true },
      losses: [3, 2, 1],
    });
    expect(contender.introduction).toEqual(ready);
    // Timers wait for at least the 5 ms a step that the fake asks for, less the clock's rounding.
    expect(await contender.train(2)).toBeGreaterThan(4);
    expect(await contender.train(1)).toBeGreaterThan(4);
    await contender.close();
    await expect(contender.train(1)).rejects.toThrow('fake-1 ended with exit code 0');
  });

  it.each([
    ['dies at once', 'fake-1 ended with exit code 3: no compiler was found'],
    ['cannot build', 'fake-1 failed: too little memory'],
    ['chatters', 'fake-1 wrote "Hello from a library", expected a JSON object'],
  ])('says in one line why one that %s is not ready', async (behaviour, message) => {
    await expect(start(behaviour).ready()).rejects.toThrow(new ContenderError(message));
  });

  it.each([
    ['dies later', 'fake-1 ended with exit code 4'],
    ['cannot train', 'fake-1 failed: cannot do 7 steps'],
  ])('says in one line why one that %s did not train', async (behaviour, message) => {
    const contender = start(behaviour);
    await contender.ready();
    await expect(contender.train(7)).rejects.toThrow(new ContenderError(message));
  });

  it('does not wait for ever', async () => {
    const contender = start('is silent', { timeoutMs: 200 });
    await expect(contender.ready()).rejects.toThrow('fake-1 did not answer within 0.2 s');
    contender.kill();
  });

  it('reports a program that does not exist', async () => {
    const contender = start('well', { command: 'no-such-program-anywhere' });
    await expect(contender.ready()).rejects.toThrow(/^fake-1 cannot be started \(.*ENOENT.*\)$/);
  });

  it('fails what it was asked for when it is killed', async () => {
    const contender = start('well');
    await contender.ready();
    const training = contender.train(10_000);
    contender.kill();
    await expect(training).rejects.toThrow('fake-1 ended with SIGKILL');
  });
});
