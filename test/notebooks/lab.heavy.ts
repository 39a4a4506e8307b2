/** @file `npm run lab`: JupyterLab answers on this machine with its token and not without, and starts the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { temporaryFolder } from '../support/temporary';
import { root } from './support';

let lab: ChildProcess;
let base: string;
let token: string;

beforeAll(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  lab = spawn(process.execPath, [join(root, 'scripts', 'lab.mjs'), '--port', String(port), '--no-browser'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const text of lab.stdout?.setEncoding('utf8') ?? []) {
    said += text;
    const url = /(http:\/\/127\.0\.0\.1:\d+)\/lab\?token=([0-9a-f]+)/.exec(said);
    if (!url) continue;
    [, base = '', token = ''] = url;
    break;
  }
});
afterAll(async () => {
  if (lab.exitCode !== null) return;
  lab.kill('SIGINT');
  await once(lab, 'close');
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${base}${path}`, { ...init, headers: { authorization: `token ${token}` } });

describe('npm run lab', () => {
  it('refuses who has no token', async () => {
    expect((await fetch(`${base}/api/contents`)).status).toBe(403);
    expect((await fetch(`${base}/api/kernels`, { method: 'POST', body: '{}' })).status).toBe(403);
    expect((await fetch(`${base}/api/contents?token=wrong`)).status).toBe(403);
  });

  it('shows the checkout to who has it', async () => {
    const listing = await (await ask('/api/contents')).json();
    expect(listing.content.map((entry: { name: string }) => entry.name)).toContain('notebooks');
  });

  it('offers the TypeScript kernel alone, started by this Node', async () => {
    const { default: first, kernelspecs } = await (await ask('/api/kernelspecs')).json();
    expect(first).toBe('tslab');
    expect(Object.keys(kernelspecs)).toEqual(['tslab']);
    expect(kernelspecs.tslab.spec.argv[0]).toBe(process.execPath);
    expect(kernelspecs.tslab.spec.argv[1].startsWith(root)).toBe(true);
  });

  it('runs a cell, which finds the library', async () => {
    const kernel = await startKernel();
    const { status, printed } = await kernel.execute(
      "import 'optimal-grokking';\nconst answer: number = 6 * 7;\nconsole.log(answer);",
    ).reply;
    expect({ status, printed }).toEqual({ status: 'ok', printed: '42\n' });
    await kernel.stop();
  });

  it('ends a training within a second when its cell is interrupted, with all files whole', async () => {
    const out = temporaryFolder();
    const kernel = await startKernel();
    const cell = kernel.execute(
      `import { train } from 'optimal-grokking';
       await train({ modulus: 59, steps: 100000 }, {
         out: ${JSON.stringify(join(out, 'run'))},
         display: { update: ({ step }) => console.log('step', step), finish: () => console.log('finished'), stop: () => {} },
       });`,
    );
    await cell.printedSome;
    const pressed = performance.now();
    expect((await ask(`/api/kernels/${kernel.id}/interrupt`, { method: 'POST' })).status).toBe(204);
    expect((await cell.reply).status).toBe('error');
    while (!existsSync(join(out, 'run', 'summary.json'))) {
      expect(performance.now() - pressed).toBeLessThan(10_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const summary = JSON.parse(readFileSync(join(out, 'run', 'summary.json'), 'utf8'));
    expect(summary.stoppedBy).toBe('signal');
    expect(readCheckpoint(join(out, 'run', 'checkpoint.safetensors')).metadata.step).toBe(
      String(summary.steps),
    );
    expect(readMetrics(join(out, 'run', 'metrics.csv')).length).toBeGreaterThan(0);
    // The kernel goes on, once it has thrown away the cells that waited behind the failed one.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await kernel.execute('console.log(1 + 1);').reply).status).toBe('ok');
    await kernel.stop();
  });
});

/** A kernel in the folder of the notebooks, and what it says to the cells it is sent. */
async function startKernel() {
  const { id } = await (await ask('/api/kernels', { method: 'POST', body: '{"path":"notebooks"}' })).json();
  const socket = new WebSocket(`${base.replace('http', 'ws')}/api/kernels/${id}/channels?token=${token}`);
  await once(socket, 'open');
  let sent = 0;

  function execute(code: string) {
    const msg_id = `cell-${++sent}`;
    const header = { msg_id, msg_type: 'execute_request', session: 'test', username: '', version: '5.3' };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    let printed = '';
    let began: () => void = () => {};
    const printedSome = new Promise<void>((resolve) => {
      began = resolve;
    });
    const reply = (async () => {
      for await (const [data] of on(socket, 'message')) {
        const message = JSON.parse(String(data));
        if (message.parent_header.msg_id !== msg_id) continue;
        if (message.msg_type === 'stream') {
          printed += message.content.text;
          began();
        }
        if (message.msg_type === 'execute_reply')
          return { status: message.content.status as string, printed };
      }
      throw new Error('the kernel closed the connection');
    })();
    socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell' }));
    return { reply, printedSome };
  }

  async function stop() {
    socket.close();
    expect((await ask(`/api/kernels/${id}`, { method: 'DELETE' })).status).toBe(204);
  }
  return { id, execute, stop };
}
