import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api';
import { App } from './app';
import { NotesProvider } from './parts/ui';
import './styles.css';
import { TextsProvider } from './texts';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // What the server refuses it refuses again; a server that is not there may come back.
      retry: (count, error) => !(error instanceof ApiError) && count < 20,
      retryDelay: (count) => Math.min(300 * 2 ** count, 3000),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <TextsProvider>
          <NotesProvider>
            <App />
          </NotesProvider>
        </TextsProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
