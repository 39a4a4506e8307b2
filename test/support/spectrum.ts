/** @file Recorded singular values made up. */
import type { Spectrum } from '../../lib/train/spectrum';

/** The singular values of square matrices by name, one row a step. */
export function spectrumOf(
  steps: readonly number[],
  matrices: Readonly<Record<string, readonly (readonly number[])[]>>,
): Spectrum {
  return {
    schedule: { every: 10 },
    steps,
    matrices: Object.entries(matrices).map(([name, rows]) => {
      const size = rows[0]?.length ?? 1;
      return { name, shape: [size, size], singularValues: rows.map((row) => Float32Array.from(row)) };
    }),
  };
}
