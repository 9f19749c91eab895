import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Goldens are plain text; some libraries take CI for a terminal with colours.
    env: { NO_COLOR: '1' },
    setupFiles: ['./tools/vitest-setup.ts'],
    include: ['{packages,packs,services,apps,tools}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
