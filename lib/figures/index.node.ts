/** @file The three outlets of a figure: a browser window, a notebook's output, a file or buffer. All need Node. */
export { show } from './display.node';
export { type PngOptions, saveFigure, toPNG, toSVG } from './static.node';
export { openWindow } from './window.node';
