/**
 * @file Output of a notebook cell, one bundle of representations at a time.
 *
 * tslab's public `display` sends one representation an output. What it is built on sends a whole bundle, of which each
 * reader takes what it can show: JupyterLab the interactive one, GitHub the picture, a terminal the text. A bundle sent
 * with the id of an earlier output replaces it in place.
 *
 * The kernel's own copy of tslab is the one to speak to, whichever it is. It is found among the modules this process has
 * loaded; nothing is loaded here, so that asking outside a notebook is free.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#display-data
 */
import { randomBytes } from 'node:crypto';
import { UserError } from '../errors';

/** Representations of one output: a value a MIME type. Pictures are base64 text, JSON types are plain objects. */
export type Bundle = { readonly [mimeType: string]: unknown };

/** Facts about the representations, a record a MIME type, such as a picture's `width` and `height` in CSS pixels. */
export type BundleMetadata = { readonly [mimeType: string]: { readonly [fact: string]: unknown } };

/** An output that is already shown. */
export interface DisplayHandle {
  /** Replaces the output where it stands. */
  update(bundle: Bundle, metadata?: BundleMetadata): void;
}

/** Sends a `display_data` message, or with `update` an `update_display_data` message. */
type DisplayWriter = (
  content: { data: Bundle; metadata: BundleMetadata; transient: { display_id: string } },
  update: boolean,
) => void;

/** Modules by file name, as `require.cache` holds them. */
export type LoadedModules = { readonly [path: string]: { readonly exports?: unknown } | undefined };

/** Whether this code runs in a cell of a notebook with the tslab kernel. */
export function inNotebook(modules: LoadedModules = require.cache): boolean {
  return writerOf(modules) !== undefined;
}

/**
 * Shows a bundle as an output of the running cell.
 *
 * @throws UserError outside a notebook; ask `inNotebook` first.
 */
export function displayBundle(
  bundle: Bundle,
  metadata: BundleMetadata = {},
  modules: LoadedModules = require.cache,
): DisplayHandle {
  const id = randomBytes(8).toString('hex');
  const send = (data: Bundle, facts: BundleMetadata, update: boolean) => {
    const write = writerOf(modules); // anew each time: the kernel makes one for every cell it runs
    if (!write) {
      throw new UserError(
        'there is no notebook to display in, expected a cell of the tslab kernel; run `npm run lab`',
      );
    }
    write({ data, metadata: facts, transient: { display_id: id } }, update);
  };
  send(bundle, metadata, false);
  return { update: (next, facts = {}) => send(next, facts, true) };
}

/** The writer of the cell that ran last, in the copy of tslab that runs this process. */
function writerOf(modules: LoadedModules): DisplayWriter | undefined {
  for (const path of Object.keys(modules)) {
    if (!/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path)) continue;
    const exported = modules[path]?.exports;
    if (typeof exported !== 'object' || exported === null || !('lastWriteDisplayData' in exported)) continue;
    const { lastWriteDisplayData: writer } = exported;
    if (typeof writer === 'function') return writer as DisplayWriter;
  }
  return undefined;
}
