/** @file The contenders that several suites share. */
import { fileURLToPath } from 'node:url';

/** @typedef {import('../harness/contender.mjs').ContenderSpec} ContenderSpec */
/** @typedef {import('../harness/steps.mjs').ContenderOptions} ContenderOptions */
/** @typedef {import('../models/steps.mjs').TrueGradForm} TrueGradForm */

/** @param {string} file @returns {string} */
const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));

/**
 * A step of this project on one of its devices.
 *
 * @param {string} name
 * @param {string} description
 * @param {import('../models/steps.mjs').Form} form
 * @param {Pick<ContenderOptions, 'inputs' | 'threads' | 'device'> & { spinning?: boolean, trueGrad?: TrueGradForm }} options
 *   with `trueGrad`, it trains with TrueGrad's AdamW, whose losses are its own
 * @returns {ContenderSpec}
 */
export function compiled(name, description, form, { inputs, threads, device, spinning, trueGrad }) {
  return {
    name,
    description,
    checked: trueGrad === undefined,
    command: process.execPath,
    args: [
      here('contenders/compiled.mjs'),
      ...['--name', name, '--inputs', inputs, '--form', form],
      ...['--threads', String(threads), '--device', device],
      ...(spinning === undefined ? [] : ['--spinning', spinning ? 'on' : 'off']),
      ...(trueGrad === undefined ? [] : ['--true-grad', trueGrad]),
    ],
    // What TensorFlow, under one of tfjs's backends, takes its number of threads and its silence from.
    env: { TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2' },
  };
}

/**
 * The training step of a run as `grok train` makes it. Each trains in its own way, so that its losses are not checked.
 *
 * @param {string} name
 * @param {string} description
 * @param {object} run its options, as `runConfig` takes them
 * @param {Pick<ContenderOptions, 'threads' | 'device'>} options
 * @returns {ContenderSpec}
 */
export function asRun(name, description, run, { threads, device }) {
  return {
    name,
    description,
    checked: false,
    command: process.execPath,
    args: [
      here('contenders/run.mjs'),
      ...['--name', name, '--options', JSON.stringify(run)],
      ...['--threads', String(threads), '--device', device],
    ],
  };
}

/**
 * The committed list of products of a preset.
 *
 * @param {string} list
 * @param {Pick<ContenderOptions, 'threads' | 'device'>} options
 * @returns {ContenderSpec}
 */
export function roofline(list, { threads, device }) {
  return {
    name: 'roofline',
    description: 'the matrix products of the hand-reduced step alone, in the same runtime',
    checked: false,
    command: process.execPath,
    args: [
      here('contenders/roofline.mjs'),
      ...['--list', here(`roofline/${list}.json`), '--threads', String(threads), '--device', device],
    ],
  };
}

/**
 * A peer in Python.
 *
 * @param {string} name
 * @param {string} description
 * @param {'torch' | 'jax' | 'tinygrad'} framework
 * @param {'as-written' | 'reduced'} form
 * @param {Pick<ContenderOptions, 'inputs' | 'threads'> & { python: string }} options
 * @param {readonly string[]} args
 * @returns {ContenderSpec}
 */
export function peer(name, description, framework, form, { inputs, threads, python }, args = []) {
  return {
    name,
    description,
    command: python,
    args: [
      here(`peers/${framework}_peer.py`),
      ...['--name', name, '--inputs', inputs, '--threads', String(threads), '--form', form],
      ...args,
    ],
    // Waiting threads that sleep were not measurably slower than spinning ones, and much faster beside other work.
    env: { PYTHONNOUSERSITE: '1', OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' },
  };
}

/**
 * What any model is compared with: PyTorch and JAX as written and reduced, tinygrad reduced.
 *
 * @param {string} written the model as its source writes it, in words
 * @param {string} reduced
 * @param {ContenderOptions} options
 * @returns {ContenderSpec[]} none without the peers' environment
 */
export function peers(written, reduced, { python, ...options }) {
  if (python === undefined) return [];
  const all = { ...options, python };
  return [
    peer('torch-as-written', `${written}, PyTorch eager`, 'torch', 'as-written', all),
    peer('torch-as-written-compiled', `${written}, torch.compile`, 'torch', 'as-written', all, ['--compile']),
    peer('torch-reduced', `${reduced}, PyTorch eager`, 'torch', 'reduced', all),
    peer('torch-reduced-compiled', `${reduced}, torch.compile`, 'torch', 'reduced', all, ['--compile']),
    peer('jax-as-written', `${written}, JAX jit`, 'jax', 'as-written', all),
    peer('jax-reduced', `${reduced}, JAX jit`, 'jax', 'reduced', all),
    peer('tinygrad-reduced', `${reduced}, tinygrad with its JIT`, 'tinygrad', 'reduced', all),
  ];
}
