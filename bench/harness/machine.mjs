/** @file What the figures were measured on. */
import { spawnSync } from 'node:child_process';
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** What a run on a GPU says where neither a tool nor the runtime names it. */
const UNKNOWN_ADAPTER = 'unknown adapter';

/** The names of NVIDIA's GPUs, one a line, from its own tool; nothing where that is missing or fails. */
function nvidiaNames() {
  const { status, stdout } = spawnSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return status === 0 ? stdout : '';
}

/**
 * The GPU that a device computes on. `onnxruntime-node` does not name the adapter that its WebGPU provider took; where
 * there are NVIDIA's GPUs it is taken to be one of them.
 *
 * @param {string} device
 * @param {() => string} [list] the names of the GPUs, one a line
 * @returns {{ gpu: string } | {}} nothing for a device that is no GPU
 */
export function describeGpu(device, list = nvidiaNames) {
  if (device !== 'cuda' && device !== 'webgpu') return {};
  const names = list()
    .split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return { gpu: [...new Set(names)].join(', ') || UNKNOWN_ADAPTER };
}

/** The machine, as far as it explains a speed. @param {string} device of the run */
export function describeMachine(device) {
  const models = new Set(cpus().map(({ model }) => model.trim()));
  return {
    cpu: [...models].join(', ') || 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: platform(),
    arch: arch(),
    ...describeGpu(device),
  };
}

/**
 * How busy the cores are with other work: the load average of the last minute, over the number of cores. Always 0 on
 * Windows, which keeps none.
 */
export function otherLoad() {
  return Number(loadavg()[0]) / availableParallelism();
}
