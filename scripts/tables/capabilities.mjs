/** @file test/support/capabilities.json: which kernels each eager backend of tfjs lacks, by tfjs's own registry. */

/**
 * The file as text.
 * @param {Readonly<Record<string, readonly string[]>>} missing Kernel names by backend.
 */
export function capabilitiesFile(missing) {
  return `${JSON.stringify({ generatedBy: 'npm run tables', missing }, null, 2)}\n`;
}

/**
 * The kernels of a list that a backend has not registered.
 * @param {{ getKernel(kernel: string, backend: string): unknown }} tf
 * @param {readonly string[]} kernels
 * @param {readonly string[]} backends Names of backends that are imported.
 */
export function missingKernels(tf, kernels, backends) {
  return Object.fromEntries(
    backends.map((backend) => [
      backend,
      kernels.filter((kernel) => tf.getKernel(kernel, backend) === undefined),
    ]),
  );
}
