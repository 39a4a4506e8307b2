/** @file The pages that `npm start` makes: complete, linked, and loading nothing from anywhere but their own folder. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { JSDOM } from 'jsdom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, runScript, scratchFolder, writeNotebook } from './support';

const FIGURE = `import * as jupyter from 'tslab/dist/jupyter';
const figure = { data: [{ x: [1, 2], y: [3, 4] }], layout: { title: { text: 'A </script> curve' }, width: 900, height: 300 } };
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="3"></svg>';
jupyter.lastWriteDisplayData!({
  data: { 'application/vnd.plotly.v1+json': figure, 'image/svg+xml': svg, 'text/plain': 'A curve' }, metadata: {}, transient: {},
} as never, false);`;

const PROGRESS = `for (let step = 0; step < 3; step++) {
  jupyter.lastWriteDisplayData!({
    data: { 'text/plain': \`step \${step}\` }, metadata: {}, transient: { display_id: 'progress' },
  } as never, step > 0);
}
import { existsSync } from 'node:fs';
console.log('finds the checkout:', existsSync('../../../lib/package.json'), '<b>&amp;</b>');`;

let folder: string;
let site: string;
const pages = new Map<string, Document>();

beforeAll(async () => {
  folder = scratchFolder();
  const notebooks = join(folder, 'notebooks');
  site = join(folder, 'site');
  rmSync(notebooks, { recursive: true, force: true });
  const { mkdirSync } = await import('node:fs');
  mkdirSync(notebooks);
  writeFileSync(
    join(folder, 'dot.svg'),
    '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>',
  );
  writeNotebook(notebooks, '01-first', [
    'md:# The first, modulo $p$\n\nWhat it *shows*: $a < b$. See [the second](02-second.ipynb#Figures) and [the licence](../../../LICENSE).\n\n![a dot](../dot.svg)\n\n$$\\frac{1}{2}$$\n\n## One\n\n## Two',
    'const answer: number = 42;\nconsole.log(answer);',
  ]);
  writeNotebook(notebooks, '02-second', ['md:# The second\n\n## Figures', FIGURE, PROGRESS]);
  const result = await runScript('start.mjs', ['--notebooks', notebooks, '--out', site]);
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  expect(result.stdout).toContain(join(site, 'index.html').slice(root.length));
  expect(result.stdout).toContain('npm run lab');
  for (const name of readdirSync(site).filter((file) => file.endsWith('.html'))) {
    pages.set(name, new JSDOM(readFileSync(join(site, name), 'utf8')).window.document);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = (name: string): Document => {
  const found = pages.get(name);
  if (!found) throw new Error(`no page ${name} among ${[...pages.keys()].join(', ')}`);
  return found;
};

const addresses = (document: Document, selector: string, attribute: string) =>
  [...document.querySelectorAll(selector)].map((element) => element.getAttribute(attribute) ?? '');

describe('the site', () => {
  it('has an index that leads to a page a notebook', () => {
    expect([...pages.keys()].sort()).toEqual(['01-first.html', '02-second.html', 'index.html']);
    expect(addresses(page('index.html'), '.notebooks a', 'href')).toEqual([
      '01-first.html',
      '02-second.html',
    ]);
    expect(page('index.html').querySelector('.entry')?.textContent).toContain('What it shows');
    expect(page('01-first.html').title).toBe('The first, modulo p · Optimal grokking');
  });

  it('leads from each page to the next, the previous and the index', () => {
    expect(addresses(page('01-first.html'), '.onward a', 'href')).toEqual(['index.html', '02-second.html']);
    expect(addresses(page('02-second.html'), '.onward a', 'href')).toEqual(['01-first.html', 'index.html']);
  });

  it('loads nothing from elsewhere, and every file it loads is there', () => {
    for (const document of pages.values()) {
      const loaded = [
        ...addresses(document, 'script[src], img, iframe, video, source', 'src'),
        ...addresses(document, 'link', 'href'),
      ].filter((address) => !address.startsWith('data:'));
      expect(loaded.length).toBeGreaterThan(0);
      for (const address of loaded) {
        expect(address).not.toMatch(/^([a-z]+:|\/)/i);
        expect(existsSync(join(site, address)), address).toBe(true);
      }
      expect(
        document.querySelectorAll('style, script:not([src]):not([type="application/json"])'),
      ).toHaveLength(0);
    }
    const styles = readdirSync(join(site, 'assets'), { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.css'),
    );
    expect(styles).toHaveLength(3);
    for (const style of styles) {
      expect(readFileSync(join(site, 'assets', style), 'utf8')).not.toMatch(
        /url\(\s*["']?(https?:)?\/\/|@import/,
      );
    }
  });

  it('has every font that a browser of today asks for', () => {
    const style = join(site, 'assets', 'katex', 'katex.min.css');
    const fonts = [...readFileSync(style, 'utf8').matchAll(/url\(([^)]+\.woff2)\)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(fonts.length).toBeGreaterThan(10);
    for (const font of fonts) expect(existsSync(join(dirname(style), font)), font).toBe(true);
  });

  it('sets formulas ahead, so that they need no script', () => {
    expect(page('01-first.html').querySelectorAll('.katex').length).toBeGreaterThanOrEqual(3);
    expect(page('01-first.html').querySelectorAll('.katex-display')).toHaveLength(1);
    expect(page('01-first.html').querySelectorAll('.tex')).toHaveLength(0);
  });

  it('mends links: to pages, to files of the checkout, to pictures', () => {
    const links = addresses(page('01-first.html'), 'article p a:not(.anchor-link)', 'href');
    expect(links[0]).toBe('02-second.html#Figures');
    expect(page('02-second.html').getElementById('Figures')).not.toBeNull();
    expect(resolve(site, links[1] ?? '')).toBe(join(root, 'LICENSE'));
    expect(addresses(page('01-first.html'), 'article p img', 'src')[0]).toMatch(
      /^assets\/[0-9a-f]{12}\.svg$/,
    );
  });

  it('holds a figure twice: its specification for Plotly, its picture for a reader without scripts', () => {
    const figure = page('02-second.html').querySelector('figure.plotly');
    expect(JSON.parse(figure?.querySelector('script')?.textContent ?? '')).toMatchObject({
      data: [{ x: [1, 2], y: [3, 4] }],
      layout: { title: { text: 'A </script> curve' } },
    });
    expect(figure?.querySelector('img')?.getAttribute('src')).toMatch(
      /^data:image\/svg\+xml;base64,[\w+/=]+$/,
    );
    expect(addresses(page('02-second.html'), 'script[src]', 'src')).toContain('assets/plotly.min.js');
    expect(addresses(page('01-first.html'), 'script[src]', 'src')).toEqual([]);
  });

  it('shows outputs as they were at the end, cells numbered, in the notebook’s own folder', () => {
    const outputs = [...page('02-second.html').querySelectorAll('pre.output')].map((pre) =>
      pre.textContent?.trim(),
    );
    expect(outputs).toEqual(['step 2', 'finds the checkout: true <b>&amp;</b>']);
    expect([...page('02-second.html').querySelectorAll('.input .number')].map((n) => n.textContent)).toEqual([
      '1',
      '2',
    ]);
  });
});
