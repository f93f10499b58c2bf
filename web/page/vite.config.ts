import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.SHEETFLOW_URL ?? 'http://127.0.0.1:5050';

// Everything in files of its own, nothing inline: the page's Content-Security-Policy allows no other way.
export default defineConfig({
  plugins: [react()],
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/chat': { target: server, ws: true, changeOrigin: true },
    },
  },
});
