/**
 * @file Makes the site out of executed notebooks: an index and a page a notebook, with everything they load beside them,
 * so that the folder works from a disk without a network.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../lib-build.mjs';
import { headingsOf, mendAddresses, paragraphAfter, setFormulas, textOf } from './html.mjs';
import { indexPage, notebookPage } from './shell.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const requireFromLib = createRequire(join(root, 'lib', 'package.json'));

/** @typedef {{ source: string, executed: string, seconds: number }} Executed */

/**
 * Replaces the folder `out` by the site of these notebooks; if anything fails, `out` stays as it was.
 * @param {{ python: string, env: NodeJS.ProcessEnv }} environment
 * @param {Executed[]} notebooks in the order of the index; `source` is the notebook in its own place, from which its
 *   relative links are meant, `executed` its executed copy, `seconds` how long that took
 * @param {string} out
 * @param {{ api?: boolean }} [options] whether the index links to the reference, which `buildApi` puts there afterwards
 * @returns {string[]} warnings, one line each
 */
export function buildSite(environment, notebooks, out, { api = false } = {}) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const work = mkdtempSync(join(root, '.cache', 'site-'));
  const site = join(work, 'site');
  const assets = join(site, 'assets');
  mkdirSync(assets, { recursive: true });
  try {
    copyAssets(assets);
    const fragments = renderFragments(environment, notebooks, work, assets);
    const warnings = writePages(notebooks, fragments, { site, out, api });
    replaceFolder(site, out);
    return warnings;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Whether a folder may be replaced by a site: it does not exist, is empty, or holds one already, or the reference alone.
 * @param {string} out
 */
export function mayBecomeSite(out) {
  if (!existsSync(out) || existsSync(join(out, 'assets', 'site.css'))) return true;
  return readdirSync(out).every((name) => name === 'api');
}

/** Empties `out` and copies `site` there: a folder in its place may be a mount, or on another disk. */
function replaceFolder(site, out) {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(out))
    rmSync(join(out, name), { recursive: true, force: true, maxRetries: 3 });
  cpSync(site, out, { recursive: true });
}

/** Copies what the pages load: one Plotly for all of them, KaTeX's style and fonts, our own style and script. */
function copyAssets(assets) {
  for (const file of ['site.css', 'site.js', 'icon.svg'])
    cpSync(join(here, 'assets', file), join(assets, file));
  cpSync(requireFromLib.resolve('plotly.js-dist-min'), join(assets, 'plotly.min.js'));
  const katex = dirname(require.resolve('katex'));
  cpSync(join(katex, 'katex.min.css'), join(assets, 'katex', 'katex.min.css'));
  cpSync(join(katex, 'fonts'), join(assets, 'katex', 'fonts'), {
    recursive: true,
    filter: (file) => !/\.(ttf|woff)$/.test(file),
  });
}

/** The cells of each notebook as HTML, made by nbconvert. @returns {string[]} */
function renderFragments({ python, env }, /** @type {Executed[]} */ notebooks, work, assets) {
  const pages = notebooks.map(({ executed }, i) => ({ source: executed, target: join(work, `${i}.html`) }));
  const { status, stderr } = spawnSync(python, [join(here, 'pages.py')], {
    cwd: root,
    env,
    input: `${JSON.stringify({ pages, css: join(assets, 'highlight.css') })}\n`,
    encoding: 'utf8',
    windowsHide: true,
  });
  if (status !== 0) throw new Error(`The pages could not be made:\n${stderr.trim()}`);
  return pages.map(({ target }) => readFileSync(target, 'utf8'));
}

function writePages(
  /** @type {Executed[]} */ notebooks,
  /** @type {string[]} */ fragments,
  { site, out, api },
) {
  /** @type {string[]} */
  const warnings = [];
  const files = notebooks.map(({ source }) => `${basename(source, '.ipynb')}.html`);
  const bodies = notebooks.map(({ source }, i) => {
    const typeset = setFormulas(fragments[i], (message) => warnings.push(`${files[i]}: ${message}`));
    return mendAddresses(typeset, { folder: dirname(source), assets: join(site, 'assets'), out, files });
  });
  const pages = notebooks.map(({ seconds }, i) => {
    const [heading] = headingsOf(bodies[i], 1);
    // The text is taken from before the formulas are set: a set formula holds its text several times.
    const title = textOf(headingsOf(fragments[i], 1)[0]?.html ?? files[i]);
    return {
      file: files[i],
      seconds,
      title,
      titleHtml: heading?.html ?? title,
      summaryHtml: heading ? paragraphAfter(bodies[i], heading.end) : '',
    };
  });
  const when = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  const shared = {
    name: 'Optimal grokking',
    description: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).description,
    made: `Executed on ${when} with Node ${process.versions.node} on ${process.platform}-${process.arch}.`,
    math: bodies.some((body) => body.includes('class="katex')),
  };
  for (const [i, page] of pages.entries()) {
    const headings = headingsOf(bodies[i], 2);
    const options = { page, previous: pages[i - 1], next: pages[i + 1], body: bodies[i], headings };
    writeFileSync(join(site, page.file), notebookPage(shared, options));
  }
  writeFileSync(join(site, 'index.html'), indexPage(shared, pages, { api }));
  return warnings;
}
