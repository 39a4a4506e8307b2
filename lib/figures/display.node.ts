/**
 * @file The notebook outlet: one output that is interactive in JupyterLab and a picture everywhere else.
 */
import { displayBundle, inNotebook, type LoadedModules } from '../train/notebook-display.node';
import { type Figure, sizeOf, titleOf } from './figure';
import { toPNG } from './static.node';

/** Sizes of the static picture to try, sharpest first, in pixels a CSS pixel. */
const SCALES = [2, 1.5, 1];
/** A static picture larger than this, in bytes, is drawn at a lower scale, to keep notebooks light. */
const LARGEST_PICTURE = 150_000;

/**
 * Shows a figure as output of the running notebook cell. JupyterLab draws it with Plotly; GitHub, `nbconvert` and other
 * readers show the PNG that goes with it; a text terminal its title.
 *
 * Outside a notebook it prints one line that names the ways to see a figure there.
 *
 * @param modules where to look for the kernel; only tests give it
 */
export async function show(figure: Figure, modules: LoadedModules = require.cache): Promise<void> {
  if (!inNotebook(modules)) {
    console.log(
      `figure "${titleOf(figure)}": not in a notebook; openWindow(figure) shows it, saveFigure(figure, 'figure.svg') keeps it`,
    );
    return;
  }
  const { width, height } = sizeOf(figure);
  displayBundle(
    {
      'application/vnd.plotly.v1+json': { data: figure.data, layout: figure.layout, config: CONFIG },
      'image/png': (await lightPNG(figure)).toString('base64'),
      'text/plain': titleOf(figure),
    },
    { 'image/png': { width, height } },
    modules,
  );
}

/** How Plotly behaves around a figure: no logo, no editing links, as wide as it was designed. */
const CONFIG = { displaylogo: false, responsive: false };

async function lightPNG(figure: Figure): Promise<Buffer> {
  let picture = Buffer.alloc(0);
  for (const scale of SCALES) {
    picture = Buffer.from(await toPNG(figure, { scale }));
    if (picture.length <= LARGEST_PICTURE) break;
  }
  return picture;
}
