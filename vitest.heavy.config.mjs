import { defineConfig } from 'vitest/config';

/** The checks that need Python or Chromium, or take minutes: `npm run test:heavy`. */
export default defineConfig({
  test: {
    include: ['test/**/*.heavy.ts'],
    setupFiles: ['test/support/matchers.ts'],
    pool: 'forks',
    // One at a time: each starts kernels of its own.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
