import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/matchers.ts'],
    // Native addons and tfjs's process-wide engine: one process a file, no sharing.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
