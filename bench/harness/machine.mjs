/** @file What the figures were measured on. */
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** The machine, as far as it explains a speed. */
export function describeMachine() {
  const models = new Set(cpus().map(({ model }) => model.trim()));
  return {
    cpu: [...models].join(', ') || 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: platform(),
    arch: arch(),
  };
}

/**
 * How busy the cores are with other work: the load average of the last minute, over the number of cores. Always 0 on
 * Windows, which keeps none.
 */
export function otherLoad() {
  return Number(loadavg()[0]) / availableParallelism();
}
