/** @file A contender that does no work. `FAKE` chooses how it behaves. */
import { serve } from '../../../bench/harness/serve.mjs';

const introduction = {
  name: 'fake',
  versions: { fake: '1.0' },
  settings: { fast: true },
  losses: [3, 2, 1],
};
const { FAKE = 'well' } = process.env;

if (FAKE === 'dies at once') {
  console.error('a warning\nno compiler was found');
  process.exit(3);
}
if (FAKE === 'chatters') console.log('Hello from a library');
if (FAKE === 'is silent') setTimeout(() => {}, 60_000);
else {
  await serve(async () => {
    if (FAKE === 'cannot build') throw new Error('too little memory\nat some place');
    return {
      introduction,
      train: async (steps) => {
        if (FAKE === 'dies later') process.exit(4);
        if (FAKE === 'cannot train') throw new Error(`cannot do ${steps} steps`);
        await new Promise((resolve) => setTimeout(resolve, 5 * steps));
      },
    };
  });
}
