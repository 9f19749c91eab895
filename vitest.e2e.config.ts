import { defineConfig } from 'vitest/config';

/** Whole processes, real peers, a browser: one after the other, because they share ports and two cores. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
