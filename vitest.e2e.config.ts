import { defineConfig } from 'vitest/config';

/** Whole processes, real peers, a browser: one after the other, because they share ports and two cores. */
export default defineConfig({
  test: {
    // Goldens are plain text; some libraries take CI for a terminal with colours.
    env: { NO_COLOR: '1' },
    include: ['tests/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
