/** @file A contender's side of the protocol of `contender.mjs`, for contenders written in JavaScript. */
import { createInterface } from 'node:readline';

/** @param {unknown} message */
function send(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/**
 * Answers the harness until it says `quit` or goes away.
 *
 * @param {() => Promise<{
 *   introduction: { name: string, versions: Record<string, string>, settings: object, losses: number[] },
 *   train: (steps: number) => Promise<void>,
 * }>} open builds the model, trains its first steps and says what is ready
 */
export async function serve(open) {
  try {
    const { introduction, train } = await open();
    send({ ready: true, ...introduction });
    for await (const line of createInterface({ input: process.stdin })) {
      const { steps, quit } = JSON.parse(line);
      if (quit) break;
      const start = performance.now();
      await train(steps);
      send({ msPerStep: (performance.now() - start) / steps });
    }
    process.exitCode = 0;
  } catch (error) {
    send({ error: String(error instanceof Error ? error.message : error).split('\n')[0] });
    process.exitCode = 1;
  }
  process.stdin.destroy();
}
