/**
 * @file `npm run lab`: JupyterLab on this checkout, with the TypeScript kernel ready. It listens on 127.0.0.1 alone, asks
 * for a token that is drawn anew each time, keeps its settings in `.venv`, and calls nobody: no news, no update checks.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArguments, runCommand, UsageError, withEnvironment } from './jupyter/command.mjs';
import { writeLabSettings } from './jupyter/lab-settings.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

const USAGE = 'Usage: npm run lab [-- [--port N] [--no-browser]]';
const HOST = '127.0.0.1';
const FIRST_PORT = 8888;

/** How long JupyterLab may take to answer for the first time, in ms. */
const PATIENCE = 120_000;

await runCommand(async () => {
  const options = readOptions();
  ensureBuilt();
  const { python, env } = await withEnvironment();
  writeLabSettings();
  trustNotebooks(python, env);
  const port = options.port ?? (await freePort());
  const token = randomBytes(24).toString('hex');
  const server = spawn(python, ['-m', 'jupyterlab', ...serverArguments(port)], {
    cwd: root,
    // Not on the command line, where every user of the machine could read it.
    env: { ...env, JUPYTER_TOKEN: token },
    stdio: ['ignore', 'inherit', 'inherit'],
    windowsHide: true,
  });
  const ended = new Promise((resolve, reject) => {
    server.on('error', reject);
    server.on('close', (code) => resolve(code ?? 0));
  });
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stopping = true;
      server.kill('SIGTERM');
    });
  }
  const url = `http://${HOST}:${port}/lab?token=${token}`;
  if (await answers(port, token, ended)) {
    console.log(`JupyterLab is at\n  ${url}\nCtrl-C here stops it.`);
    if (options.browser) openBrowser(url);
  }
  const code = await ended;
  if (code !== 0 && !stopping) throw new Error(`JupyterLab ended with exit code ${code}.`);
});

function readOptions() {
  const { values } = readArguments(
    { options: { port: { type: 'string' }, 'no-browser': { type: 'boolean' } } },
    USAGE,
  );
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
    throw new UsageError(`--port takes a whole number from 1 to 65535, not ${values.port}. ${USAGE}`);
  }
  return { port, browser: !values['no-browser'] && process.stdout.isTTY && hasDesktop() };
}

/** @param {number} port */
function serverArguments(port) {
  const settings = {
    'ServerApp.ip': HOST,
    'ServerApp.port': port,
    'ServerApp.port_retries': 0,
    'ServerApp.root_dir': root,
    'ServerApp.open_browser': 'False',
    'ServerApp.answer_yes': 'True',
    'ServerApp.log_level': 'ERROR',
    'LabApp.log_level': 'ERROR',
    'LabApp.default_url': '/lab/tree/notebooks',
    // Nothing of what JupyterLab would ask of the network.
    'LabApp.news_url': '',
    'LabApp.check_for_updates_class': 'jupyterlab.NeverCheckForUpdate',
    'LabApp.extension_manager': 'readonly',
    // The notebooks are TypeScript: the environment's own Python kernel is not offered.
    'KernelSpecManager.ensure_native_kernel': 'False',
    'KernelSpecManager.allowed_kernelspecs': 'tslab',
    'MultiKernelManager.default_kernel_name': 'tslab',
  };
  const list = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  // In a container everything runs as root, which Jupyter wants to be told is meant.
  return process.getuid?.() === 0 ? [...list, '--ServerApp.allow_root=True'] : list;
}

/** Lets JupyterLab show the committed outputs at once: they are this checkout's own. */
function trustNotebooks(python, env) {
  const folder = join(root, 'notebooks');
  const notebooks = readdirSync(folder).filter((name) => name.endsWith('.ipynb'));
  if (notebooks.length === 0) return;
  spawnSync(python, ['-m', 'nbformat.sign', ...notebooks], { cwd: folder, env, stdio: 'ignore' });
}

/** The first free port from 8888 on. */
async function freePort() {
  for (let port = FIRST_PORT; port < FIRST_PORT + 100; port++) {
    const free = await new Promise((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen({ host: HOST, port, exclusive: true }, () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`No port from ${FIRST_PORT} to ${FIRST_PORT + 99} is free: give one with --port.`);
}

/** Waits until the server answers; false if it ended instead. */
async function answers(port, token, ended) {
  let over = false;
  ended.then(() => {
    over = true;
  });
  for (const limit = Date.now() + PATIENCE; !over && Date.now() < limit; await sleep(200)) {
    try {
      await fetch(`http://${HOST}:${port}/api/status`, { headers: { authorization: `token ${token}` } });
      return true;
    } catch {}
  }
  return false;
}

const hasDesktop = () =>
  process.platform === 'darwin' ||
  process.platform === 'win32' ||
  Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/** @param {string} url */
function openBrowser(url) {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url];
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
