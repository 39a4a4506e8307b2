import { afterEach, describe, expect, it, vi } from 'vitest';
import { show } from '../../lib/figures/display.node';
import type { Figure } from '../../lib/figures/figure';
import { displayBundle, inNotebook } from '../../lib/train/notebook-display.node';

const figure: Figure = {
  data: [{ type: 'scatter', x: [1, 2], y: [3, 4] }],
  layout: { width: 320, height: 240, title: { text: 'A <b>line</b>' } },
};

/** A kernel's modules with a writer that records what is sent. */
function kernel(path = '/home/x/node_modules/tslab/dist/jupyter.js') {
  const lastWriteDisplayData = vi.fn();
  return { sent: lastWriteDisplayData, modules: { [path]: { exports: { lastWriteDisplayData } } } };
}

describe('displayBundle', () => {
  it('sends a bundle, and replaces it under the same id', () => {
    const { sent, modules } = kernel();
    const handle = displayBundle({ 'text/plain': 'one' }, {}, modules);
    handle.update({ 'text/plain': 'two' }, { 'text/plain': { tone: 'low' } });
    const [first, second] = sent.mock.calls;
    expect(first?.[0].data).toEqual({ 'text/plain': 'one' });
    expect(first?.[1]).toBe(false);
    expect(second?.[0]).toMatchObject({
      data: { 'text/plain': 'two' },
      metadata: { 'text/plain': { tone: 'low' } },
    });
    expect(second?.[1]).toBe(true);
    expect(first?.[0].transient.display_id).toMatch(/^[0-9a-f]{16}$/);
    expect(second?.[0].transient).toEqual(first?.[0].transient);
  });

  it('writes to the cell that runs now', () => {
    const path = '/x/tslab/dist/jupyter.js';
    const { sent, modules } = kernel(path);
    const handle = displayBundle({}, {}, modules);
    const later = vi.fn();
    Object.assign(modules, { [path]: { exports: { lastWriteDisplayData: later } } });
    handle.update({ 'text/plain': 'late' });
    expect(sent).toHaveBeenCalledTimes(1);
    expect(later).toHaveBeenCalledTimes(1);
  });

  it('gives different outputs different ids', () => {
    const { sent, modules } = kernel('C:\\x\\node_modules\\tslab\\dist\\jupyter.js');
    displayBundle({}, {}, modules);
    displayBundle({}, {}, modules);
    const ids = sent.mock.calls.map(([content]) => content.transient.display_id);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('says so outside a notebook', () => {
    expect(() => displayBundle({}, {}, {})).toThrow('there is no notebook to display in');
  });
});

describe('inNotebook', () => {
  it('is true only where a kernel has run a cell', () => {
    const idle = { '/x/tslab/dist/jupyter.js': { exports: { lastWriteDisplayData: null } } };
    expect(inNotebook(kernel().modules)).toBe(true);
    expect(inNotebook({ ...idle, ...kernel().modules })).toBe(true); // another copy of tslab, not the kernel's
    expect(inNotebook(idle)).toBe(false);
    expect(inNotebook({ '/x/other/jupyter.js': { exports: { lastWriteDisplayData: () => 0 } } })).toBe(false);
    expect(inNotebook()).toBe(false);
  });
});

describe('show', () => {
  afterEach(() => vi.restoreAllMocks());

  it('sends Plotly, a picture of it and its title as one output', async () => {
    const { sent, modules } = kernel();
    await show(figure, modules);
    expect(sent).toHaveBeenCalledTimes(1);
    const { data, metadata } = sent.mock.calls[0]?.[0] ?? {};
    expect(Object.keys(data)).toEqual(['application/vnd.plotly.v1+json', 'image/png', 'text/plain']);
    expect(data['application/vnd.plotly.v1+json']).toMatchObject(figure);
    expect(Buffer.from(data['image/png'], 'base64').subarray(1, 4).toString()).toBe('PNG');
    expect(data['text/plain']).toBe('A line');
    expect(metadata['image/png']).toEqual({ width: 320, height: 240 });
  });

  it('prints one line outside a notebook', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    await show(figure, {});
    expect(log.mock.calls).toEqual([
      [expect.stringMatching(/^figure "A line": not in a notebook; .*saveFigure/)],
    ]);
  });
});
