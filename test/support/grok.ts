import { main } from '../../lib/cli/main.node';

/**
 * The command line, run in this process.
 *
 * @param folder where relative paths begin
 */
export function grokIn(folder: string) {
  return async (...args: string[]) => {
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
  };
}

/** Options of a training of a moment. */
export const SMALL = '--p 11 --train-fraction .5 --d-model 16 --steps 30 --threads 1 --quiet'.split(' ');
