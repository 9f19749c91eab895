import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `/api` is answered while developing; `BELFRY_API` names another server. */
const api = process.env.BELFRY_API ?? 'http://127.0.0.1:3000';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The editor brings a copy of the grammar; one is enough.
  resolve: {
    dedupe: [
      '@prometheus-io/lezer-promql',
      '@lezer/common',
      '@lezer/highlight',
      '@codemirror/state',
      '@codemirror/view',
    ],
  },
  build: { target: 'es2022', chunkSizeWarningLimit: 700, assetsInlineLimit: 2048 },
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': api } },
  preview: { host: '127.0.0.1', port: 4173, proxy: { '/api': api } },
});
