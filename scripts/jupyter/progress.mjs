/**
 * @file Progress of the notebooks' execution: in a terminal one line a notebook that is redrawn in place, elsewhere (a log)
 * one plain line a cell.
 */
import cliProgress from 'cli-progress';

const seconds = (/** @type {number} */ since) => {
  const s = (Date.now() - since) / 1000;
  return s < 60
    ? `${s.toFixed(1)} s`
    : `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, '0')} s`;
};

/** @param {NodeJS.WriteStream} stream */
export function notebookProgress(stream = process.stdout) {
  return stream.isTTY ? liveProgress(stream) : plainProgress(stream);
}

function plainProgress(stream) {
  let name = '';
  let since = 0;
  return {
    notebook(/** @type {string} */ which) {
      name = which;
      since = Date.now();
      stream.write(`${name}: starting the kernel\n`);
    },
    cell(/** @type {number} */ cell, /** @type {number} */ of) {
      stream.write(`${name}: cell ${cell}/${of} (${seconds(since)})\n`);
    },
    done(/** @type {number} */ of) {
      stream.write(`${name}: done, ${of} cells in ${seconds(since)}\n`);
    },
    stop() {},
  };
}

function liveProgress(stream) {
  let since = 0;
  let state = { name: '', note: '' };
  const bar = new cliProgress.SingleBar({
    stream,
    hideCursor: true,
    barsize: 20,
    fps: 5,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    format: (options, { progress }) => {
      const filled = Math.round(progress * options.barsize);
      const drawn = '━'.repeat(filled) + '─'.repeat(options.barsize - filled);
      return `  ${state.name.padEnd(24)} ${drawn} ${state.note} · ${seconds(since)}`;
    },
  });
  return {
    notebook(/** @type {string} */ name) {
      since = Date.now();
      state = { name, note: 'starting the kernel' };
      bar.start(1, 0);
    },
    cell(/** @type {number} */ cell, /** @type {number} */ of) {
      state.note = `cell ${cell}/${of}`;
      bar.setTotal(of);
      bar.update(cell - 1);
    },
    done(/** @type {number} */ of) {
      state.note = `${of} cells`;
      bar.update(bar.getTotal());
      bar.stop();
    },
    stop() {
      bar.stop();
    },
  };
}
