/**
 * @file One contender: a child process that trains on command. It speaks JSON, one message a line:
 *
 *     contender → harness   {"ready":true,"name":…,"versions":{…},"settings":{…},"losses":[…]}
 *     harness → contender   {"steps":k}        contender → harness   {"msPerStep":…}
 *     harness → contender   {"quit":true}      (or the end of its input: the contender ends)
 *     contender → harness   {"error":"…"}      instead of an answer, before it ends
 *
 * Any language can take part. The contender reads the clock itself, so that the pipe is not measured.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * @typedef {object} ContenderSpec How to start a contender.
 * @property {string} name
 * @property {string} description one line for the report
 * @property {string} command
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string>>} [env] added to this process's own
 * @property {boolean} [checked] whether it trains, so that its first losses must agree with the others'; default true
 */

/**
 * @typedef {object} Ready What a contender says of itself.
 * @property {string} name
 * @property {Readonly<Record<string, string>>} versions
 * @property {Readonly<Record<string, unknown>>} settings
 * @property {readonly number[]} losses the losses of its first steps, before each update; empty if it does not train
 */

/** A contender that could not start, broke down or broke the protocol. The message is one line. */
export class ContenderError extends Error {
  /** @override */
  name = 'ContenderError';
}

/** How long a child may take to end by itself after `quit`, in ms. */
const GRACE = 3_000;

/** @param {string} text @returns {string} its last line that says something */
function lastLine(text) {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** A running contender. */
export class Contender {
  #child;
  #lines;
  #timeoutMs;
  #stderr = '';
  /** @type {Promise<string>} resolves with why the child ended */
  #ended;
  /** @type {Ready | undefined} */
  #ready;

  /**
   * @param {ContenderSpec} spec
   * @param {{ timeoutMs?: number }} [options] how long one answer may take; default ten minutes
   */
  constructor(spec, { timeoutMs = 600_000 } = {}) {
    this.spec = spec;
    this.#timeoutMs = timeoutMs;
    this.#child = spawn(spec.command, [...spec.args], {
      env: { ...process.env, ...spec.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`cannot be started (${error.message})`));
      this.#child.on('close', (code, signal) => {
        const last = lastLine(this.#stderr);
        resolve(`ended with ${signal ?? `exit code ${code}`}${last ? `: ${last}` : ''}`);
      });
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Waits until the contender has built its model and is ready to train. @returns {Promise<Ready>} */
  async ready() {
    const { ready, name, versions = {}, settings = {}, losses = [] } = await this.#answer();
    if (ready !== true) throw this.#failure('did not say that it is ready');
    this.#ready = { name, versions, settings, losses };
    return this.#ready;
  }

  /** What it said when it was ready. */
  get introduction() {
    if (this.#ready === undefined) throw this.#failure('has not been waited for');
    return this.#ready;
  }

  /** Trains `steps` more steps. @param {number} steps @returns {Promise<number>} ms a step */
  async train(steps) {
    this.#child.stdin.write(`${JSON.stringify({ steps })}\n`);
    const { msPerStep } = await this.#answer();
    if (!(msPerStep > 0 && Number.isFinite(msPerStep))) {
      throw this.#failure(`answered ${JSON.stringify(msPerStep)} ms a step`);
    }
    return msPerStep;
  }

  /** Stops the contender at once; what it was asked for fails. */
  kill() {
    this.#child.kill('SIGKILL');
  }

  /** Ends the contender; it is killed if it does not go by itself. */
  async close() {
    this.#child.stdin.end(`${JSON.stringify({ quit: true })}\n`);
    const timer = setTimeout(() => this.kill(), GRACE);
    await this.#ended;
    clearTimeout(timer);
  }

  /** @param {string} problem */
  #failure(problem) {
    return new ContenderError(`${this.spec.name} ${problem}`);
  }

  /** The contender's next message. @returns {Promise<any>} */
  async #answer() {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      const problem = `did not answer within ${this.#timeoutMs / 1000} s`;
      timer = setTimeout(() => reject(this.#failure(problem)), this.#timeoutMs);
    });
    try {
      const next = /** @type {IteratorResult<string>} */ (await Promise.race([this.#lines.next(), late]));
      if (next.done) throw this.#failure(await this.#ended);
      const message = this.#parse(next.value);
      if (message.error !== undefined) throw this.#failure(`failed: ${message.error}`);
      return message;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} line @returns {any} */
  #parse(line) {
    try {
      const message = JSON.parse(line);
      if (typeof message === 'object' && message !== null) return message;
    } catch {
      // Reported below, like a message that is no object.
    }
    throw this.#failure(`wrote ${JSON.stringify(line.slice(0, 80))}, expected a JSON object`);
  }
}
