/** @file The page around a notebook's cells, and the index of all of them. */
import { escapeHtml } from './html.mjs';

/**
 * @typedef {object} Page
 * @property {string} file its name, `01-dataset.html`
 * @property {string} title the notebook's first heading, as plain text
 * @property {string} titleHtml the same with its formulas set
 * @property {string} summaryHtml the paragraph below it
 * @property {number} seconds how long the notebook ran
 */

/**
 * What all pages share.
 * @typedef {{ name: string, description: string, made: string, math: boolean }} Site `made`: when and how it was executed;
 *   `math`: whether any page has formulas
 */

/** A whole document; every part but `title` is HTML. */
function documentOf(/** @type {Site} */ site, { title, head = [], navigation = '', main }) {
  const links = [
    '<link rel="icon" href="assets/icon.svg" type="image/svg+xml">',
    ...(site.math ? ['<link rel="stylesheet" href="assets/katex/katex.min.css">'] : []),
    '<link rel="stylesheet" href="assets/site.css">',
    ...head,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
${links.join('\n')}
</head>
<body>
<header class="bar"><a class="home" href="index.html">${escapeHtml(site.name)}</a>${navigation}</header>
<main>
${main}
</main>
<footer>${escapeHtml(site.made)}</footer>
</body>
</html>
`;
}

const previousLink = (/** @type {Page | undefined} */ page) =>
  page ? `<a rel="prev" href="${page.file}">← <span>${page.titleHtml}</span></a>` : '<span></span>';

const nextLink = (/** @type {Page | undefined} */ page) =>
  page ? `<a rel="next" href="${page.file}"><span>${page.titleHtml}</span> →</a>` : '<span></span>';

/**
 * A notebook's page.
 * @param {Site} site
 * @param {{ page: Page, previous?: Page, next?: Page, body: string, headings: { id: string, html: string }[] }} options
 */
export function notebookPage(site, { page, previous, next, body, headings }) {
  const figures = body.includes('class="picture plotly"');
  const items = headings.map(({ id, html }) => `<li><a href="#${id}">${html}</a></li>`);
  const contents = `<nav class="contents" aria-label="On this page"><ul>\n${items.join('\n')}\n</ul></nav>\n`;
  return documentOf(site, {
    title: `${page.title} · ${site.name}`,
    head: [
      '<link rel="stylesheet" href="assets/highlight.css">',
      ...(figures
        ? [
            '<script defer src="assets/plotly.min.js"></script>',
            '<script defer src="assets/site.js"></script>',
          ]
        : []),
    ],
    navigation: `<nav aria-label="Notebooks">${previousLink(previous)}${nextLink(next)}</nav>`,
    main: `${headings.length > 1 ? contents : ''}<article>
${body}
</article>
<nav class="onward" aria-label="More notebooks">${previousLink(previous)}<a href="index.html">All notebooks</a>${nextLink(next)}</nav>`,
  });
}

/**
 * The index page.
 * @param {Site} site
 * @param {Page[]} pages
 * @param {{ api: boolean }} options whether there is a reference to link to
 */
export function indexPage(site, pages, { api }) {
  const items = pages.map(
    (page) => `<li><a href="${page.file}">
<span class="number">${/^\d*/.exec(page.file)?.[0]}</span>
<span class="entry"><strong>${page.titleHtml}</strong><span>${page.summaryHtml}</span></span>
<span class="time">${duration(page.seconds)}</span>
</a></li>`,
  );
  return documentOf(site, {
    title: site.name,
    main: `<h1>${escapeHtml(site.name)}</h1>
<p class="lead">${escapeHtml(site.description)}</p>
<ol class="notebooks">
${items.join('\n')}
</ol>${api ? '\n<p>The library’s functions and types, one by one: <a href="api/index.html">reference</a>.</p>' : ''}`,
  });
}

/** @param {number} seconds */
function duration(seconds) {
  return seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
