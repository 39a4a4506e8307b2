/** @file The work on pages that needs no Python: formulas, addresses, headings. */
import { describe, expect, it } from 'vitest';
import { headingsOf, mendAddresses, paragraphAfter, setFormulas, textOf } from '../../scripts/site/html.mjs';

describe('setFormulas', () => {
  it('sets what is marked, displayed or in the line', () => {
    const html = setFormulas(
      '<p><span class="tex">a &lt; b</span></p><span class="tex" data-display="true">x</span>',
      fail,
    );
    expect(html).toContain('a &lt; b</annotation>');
    expect(html.match(/katex-display/g)).toHaveLength(1);
  });
  it('shows a formula it cannot read as written, and says so', () => {
    const warnings: string[] = [];
    const html = setFormulas('<span class="tex">\\nonsense{</span>', (message: string) =>
      warnings.push(message),
    );
    expect(html).toBe('<code>\\nonsense{</code>');
    expect(warnings).toEqual([expect.stringContaining('\\nonsense{')]);
  });
});

describe('mendAddresses', () => {
  const places = {
    folder: '/c/notebooks',
    assets: '/c/output/site/assets',
    out: '/c/output/site',
    files: ['02-x.html'],
  };
  it.each([
    ['<a href="02-x.ipynb#Part">', '<a href="02-x.html#Part">'],
    ['<a href="../lib/index.ts">', '<a href="../../lib/index.ts">'],
    ['<a class="q" href="../a%20b.md#c">', '<a class="q" href="../../a%20b.md#c">'],
    ['<a href="99-later.ipynb">', '<a href="../../notebooks/99-later.ipynb">'],
    ['<a href="https://example.org/02-x.ipynb">', '<a href="https://example.org/02-x.ipynb">'],
    ['<a href="#Part">', '<a href="#Part">'],
    ['<img alt="" src="data:image/png;base64,AA">', '<img alt="" src="data:image/png;base64,AA">'],
    ['<pre>&lt;a href="x.md"&gt;</pre>', '<pre>&lt;a href="x.md"&gt;</pre>'],
  ])('%s becomes %s', (before, after) => {
    expect(mendAddresses(before, places)).toBe(after);
  });
});

describe('headings and summaries', () => {
  const html =
    '<h1 id="T">The <a href="x">title</a><a class="anchor-link" href="#T">#</a></h1><ul></ul><p>First <a href="y">one</a>.</p><p>Second.</p>';
  it('come without their links', () => {
    const [heading] = headingsOf(html, 1);
    expect(heading).toMatchObject({ id: 'T', html: 'The title' });
    expect(paragraphAfter(html, heading?.end ?? 0)).toBe('First one.');
    expect(headingsOf(html, 2)).toEqual([]);
  });
  it('become plain text', () => {
    expect(textOf('a <b>&lt;</b>\n <i>b</i> &amp;amp; &quot;')).toBe('a < b &amp; "');
  });
});

function fail(message: string): void {
  throw new Error(message);
}
