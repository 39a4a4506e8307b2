/**
 * @file The browser outlet: a window of the default browser, for programs run from a terminal.
 */
import type { Layout, Plot } from 'nodeplotlib';
import type { Figure } from './figure';
import { withPlainArrays } from './packed';

/**
 * Opens a figure in a window of the default browser.
 *
 * nodeplotlib serves it from a local web server, which ends with its last window; the program does not exit before that.
 * It is loaded on the first call because it brings that server with it. On a machine without a screen set
 * `NODEPLOTLIB_PORT` to a free port and open the printed address from elsewhere.
 */
export async function openWindow(figure: Figure): Promise<void> {
  const { plot } = await import('nodeplotlib');
  const { data, layout } = withPlainArrays(figure); // its bundled Plotly is older than packed arrays
  plot([...data] as Plot[], layout as Layout);
}
