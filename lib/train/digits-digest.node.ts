/** @file What of the check's protocol a run on digits follows, as a digest. */
import { createHash } from 'node:crypto';
import type { DigitsProtocol } from './digits-protocol';
import type { DigitsRunKey } from './digits-results';

/**
 * The digest of all that the protocol says of the runs of a model and an arm. Remarks, other models and other arms are no
 * part of it; a changed grid or seed is, because the learning rate that a test runs at is chosen by them.
 *
 * @returns 16 hexadecimal digits; `undefined` for a model or arm that the protocol does not have
 */
export function digitsDigest(
  protocol: DigitsProtocol,
  { model, arm }: Pick<DigitsRunKey, 'model' | 'arm'>,
): string | undefined {
  const found = protocol.arms.find(({ name }) => name === arm);
  if (found === undefined || !(protocol.models as readonly string[]).includes(model)) return undefined;
  const { learningRates, batchSize, epochs, evaluationsPerEpoch, splitSeed, tuningSeeds, testSeeds } =
    protocol;
  const { tuning, test } = evaluationsPerEpoch;
  const { name, optimizer, options } = found;
  const followed = {
    ...{ model, arm: { name, optimizer, options: inOrder(options) } },
    ...{ learningRates, batchSize, epochs, evaluationsPerEpoch: { tuning, test } },
    ...{ splitSeed, tuningSeeds, testSeeds },
  };
  return createHash('sha256').update(JSON.stringify(followed)).digest('hex').slice(0, 16);
}

/** The same record with its members in the order of their names. */
function inOrder(record: object): object {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
