/** @file The processes of `npm run compare`, with children that do nothing. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runPool } from '../../scripts/compare/pool.mjs';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
const child = join(root, 'child.mjs');
// One that ends at once, or trains until it is told to stop and then leaves a sign.
writeFileSync(
  child,
  `import { writeFileSync } from 'node:fs';
process.on('message', ({ id, stop }) => {
  if (stop) {
    writeFileSync(globalThis.sign, '');
    process.disconnect();
    return;
  }
  globalThis.sign = ${JSON.stringify(root)} + '/' + id + '.stopped';
  writeFileSync(${JSON.stringify(root)} + '/' + id + '.begun', '');
  if (id === 'quick') process.send({ outcome: 'recorded' }, () => process.disconnect());
});
`,
);

it('an error of a callback ends the processes under way before it is passed on', async () => {
  const runs = ['slow', 'quick'].map((id) => ({ id })) as unknown as Parameters<
    Parameters<typeof runPool>[0]['onEnd']
  >[0][];
  const begun = (id: string) => existsSync(join(root, `${id}.begun`));
  const pool = runPool({
    // The quick one is begun once the slow one trains.
    missing: () => (begun('quick') ? [] : runs),
    message: ({ id }) => ({ id }),
    workers: 2,
    onEnd: ({ id }) => {
      throw new Error(`the ${id} run could not be told`);
    },
    child,
  });
  await expect(pool).rejects.toThrow('the quick run could not be told');
  expect(readdirSync(root)).toContain('slow.stopped');
});
