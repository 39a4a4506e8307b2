/** @file What a figure's SVG says where: its texts with their boxes, for tests that no label covers another. */
import { JSDOM } from 'jsdom';
import { type Box, boxOf, type ElementLike, type MeasureText, transformed } from '../../lib/figures/text-box';

/** A visible text and the box it covers, in pixels of the picture. */
export interface Label {
  readonly text: string;
  readonly box: Box;
}

/** Every text of an SVG document, with the transforms of its ancestors applied to its box. */
export function texts(svg: string, measure: MeasureText): Label[] {
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window;
  return [...document.querySelectorAll('text')].map((element) => {
    let box = boxOf(element as unknown as ElementLike, measure);
    for (let parent = element.parentElement; parent; parent = parent.parentElement) {
      box = transformed(box, parent.getAttribute('transform') ?? '');
    }
    return { text: (element.textContent ?? '').replaceAll('\u200b', ''), box };
  });
}

/** Pairs of labels whose boxes intersect by more than the empty space above and below letters. */
export function overlaps(labels: readonly Label[]): [string, string][] {
  const slack = 3;
  return labels.flatMap((one, index) =>
    labels
      .slice(index + 1)
      .filter(
        ({ box }) =>
          one.box.left < box.right &&
          box.left < one.box.right &&
          one.box.top + slack < box.bottom - slack &&
          box.top + slack < one.box.bottom - slack,
      )
      .map((other): [string, string] => [one.text, other.text]),
  );
}

/** Each label with the left end of its baseline box in whole pixels, for snapshots. */
export function places(labels: readonly Label[]): string[] {
  return labels.map(({ text, box }) => `${Math.round(box.left)}, ${Math.round(box.top)}: ${text}`);
}
