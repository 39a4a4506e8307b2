/** @file `npm run lab`: JupyterLab answers on this machine with its token and not without, and starts the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
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
    const kernel = await (await ask('/api/kernels', { method: 'POST', body: '{"path":"notebooks"}' })).json();
    const socket = new WebSocket(
      `${base.replace('http', 'ws')}/api/kernels/${kernel.id}/channels?token=${token}`,
    );
    await once(socket, 'open');
    const header = {
      msg_id: 'one',
      msg_type: 'execute_request',
      session: 'test',
      username: '',
      version: '5.3',
    };
    const code = "import 'optimal-grokking';\nconst answer: number = 6 * 7;\nconsole.log(answer);";
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell' }));
    let printed = '';
    let status = '';
    for await (const [data] of on(socket, 'message')) {
      const message = JSON.parse(String(data));
      if (message.msg_type === 'stream') printed += message.content.text;
      if (message.msg_type !== 'execute_reply') continue;
      status = message.content.status;
      break;
    }
    socket.close();
    expect({ status, printed }).toEqual({ status: 'ok', printed: '42\n' });
    expect((await ask(`/api/kernels/${kernel.id}`, { method: 'DELETE' })).status).toBe(204);
  });
});
