// Where the page is: #/c/<conversation>/<view>?file=... The address can be kept and shared, and Back works.
import { useSyncExternalStore } from 'react';

export type View = 'chat' | 'data' | 'flow';
export interface Route { chat: string | null; view: View; file: string | null }

function parse(): Route {
  const [path = '', query = ''] = location.hash.slice(1).split('?');
  const [, kind, chat, view] = path.split('/');
  return {
    chat: kind === 'c' && chat ? chat : null,
    view: view === 'data' || view === 'flow' ? view : 'chat',
    file: new URLSearchParams(query).get('file'),
  };
}

let route = parse();
const listeners = new Set<() => void>();

window.addEventListener('hashchange', () => {
  route = parse();
  for (const listener of listeners) listener();
});

export function go(chat: string | null, view: View = 'chat', file?: string) {
  location.hash = chat ? `/c/${chat}/${view}${file ? `?file=${encodeURIComponent(file)}` : ''}` : '/';
}

export function useRoute(): Route {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => route);
}
