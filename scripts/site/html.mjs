/** @file Works on a notebook's fragment of HTML: sets its formulas, mends its addresses, reads its headings. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import katex from 'katex';

const NAMES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** @param {string} text */
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (c) => NAMES[c]);

/** @param {string} html */
const unescapeHtml = (html) =>
  html.replace(
    /&(lt|gt|quot|#x27|#39|amp);/g,
    (_, name) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name] ?? "'",
  );

/** The text of HTML without its marks. @param {string} html */
export const textOf = (html) =>
  unescapeHtml(html.replace(/<[^>]*>/g, ''))
    .replace(/\s+/g, ' ')
    .trim();

/**
 * Sets each formula (`<span class="tex">`) with KaTeX, so that a reader's browser has nothing to compute.
 * @param {string} html
 * @param {(message: string) => void} warn told about a formula that KaTeX cannot read, which stays as it was written
 */
export function setFormulas(html, warn) {
  return html.replace(/<span class="tex"( data-display="true")?>([^<]*)<\/span>/g, (_, display, escaped) => {
    const tex = unescapeHtml(escaped);
    try {
      return katex.renderToString(tex, { displayMode: Boolean(display), throwOnError: true });
    } catch (error) {
      warn(`formula ${tex.trim()}: ${error.message}`);
      return `<code>${escaped}</code>`;
    }
  });
}

/**
 * Makes relative addresses right from the site's place: a link to a notebook goes to its page, a picture is copied to the
 * site's assets, any other file is linked where it lies in the checkout.
 * @param {string} html
 * @param {{ folder: string, assets: string, out: string, files: string[] }} places `folder`: what the addresses are relative
 *   to; `assets`: where pictures are copied; `out`: where the site will be; `files`: the names of its pages
 */
export function mendAddresses(html, { folder, assets, out, files }) {
  return html.replace(/(<(?:a|img)\b[^>]*?\s(?:href|src)=")([^"]*)"/g, (whole, before, address) => {
    if (!address || /^([a-z][a-z\d+.-]*:|#|\/)/i.test(address)) return whole;
    const [path, fragment] = address.split('#');
    const anchor = fragment === undefined ? '' : `#${fragment}`;
    const page = `${basename(path, '.ipynb')}.html`;
    if (path.endsWith('.ipynb') && files.includes(page)) return `${before}${page}${anchor}"`;
    const target = resolve(folder, decodeURI(path));
    if (before.startsWith('<img') && existsSync(target)) {
      const hash = createHash('sha256').update(readFileSync(target)).digest('hex').slice(0, 12);
      const name = `${hash}${extname(target)}`;
      cpSync(target, join(assets, name));
      return `${before}assets/${name}"`;
    }
    const link = relative(out, target).split(sep).map(encodeURIComponent).join('/');
    return `${before}${link}${anchor}"`;
  });
}

/**
 * The headings of one level, as HTML without links.
 * @param {string} html
 * @param {number} level
 * @returns {{ id: string, html: string, end: number }[]} `end`: where the heading ends in `html`
 */
export function headingsOf(html, level) {
  const pattern = new RegExp(`<h${level} id="([^"]+)">(.*?)<a class="anchor-link".*?</h${level}>`, 'gs');
  return [...html.matchAll(pattern)].map((match) => ({
    id: match[1],
    html: withoutLinks(match[2]),
    end: match.index + match[0].length,
  }));
}

/** The first paragraph from a place in the page on, as HTML without links; empty if there is none. */
export function paragraphAfter(/** @type {string} */ html, /** @type {number} */ start) {
  const paragraph = /<p>(.*?)<\/p>/s.exec(html.slice(start));
  return paragraph ? withoutLinks(paragraph[1]) : '';
}

const withoutLinks = (/** @type {string} */ html) => html.replace(/<\/?a\b[^>]*>/g, '');
