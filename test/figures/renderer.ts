/** @file Plotly, which takes seconds to load: once for all test files of a process. */
import { openRenderer } from '../../lib/figures/plotly-renderer.node';

export const renderer = openRenderer();
