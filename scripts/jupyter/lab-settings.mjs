/** @file JupyterLab's settings of this checkout: defaults that a user may change in JupyterLab, kept in `.venv`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib-build.mjs';

const OVERRIDES = {
  '@jupyterlab/apputils-extension:notification': {
    checkForUpdates: false,
    fetchNews: 'false',
  },
  '@jupyterlab/notebook-extension:tracker': {
    recordTiming: false,
  },
};

/** JupyterLab's own plug-in that fetches news: off, rather than merely told not to. */
const PAGE_CONFIG = { disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } };

/** Writes them where JupyterLab of the environment looks. */
export function writeLabSettings() {
  write(join(root, '.venv', 'share', 'jupyter', 'lab', 'settings', 'overrides.json'), OVERRIDES);
  write(join(root, '.venv', 'etc', 'jupyter', 'labconfig', 'page_config.json'), PAGE_CONFIG);
}

function write(/** @type {string} */ file, /** @type {object} */ content) {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`);
}
