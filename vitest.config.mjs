import { defineConfig } from 'vitest/config';

/**
 * Files that need a process of their own: those that replace a module of Node's, which must happen before anything loads
 * it, and those that load what registers with tfjs over `lib`: the built library, or danfo.js with a tfjs of its own.
 */
const ALONE = [
  'test/bench/roofline.test.ts',
  'test/cli/devices.test.ts',
  'test/compile/second-tfjs.test.ts',
  'test/data/dataset-csv.test.ts',
  'test/train/{damage,metrics-csv,run-store}.test.ts',
];

export default defineConfig({
  test: {
    setupFiles: ['test/support/matchers.ts'],
    // Native addons and tfjs's process-wide engine: processes, not threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          setupFiles: ['test/support/one-library.ts'],
          // A process a file, which loads tfjs, Plotly and the library anew, would take twice as long in all.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
