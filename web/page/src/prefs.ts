// What this browser remembers: language and theme.
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'de';
interface Prefs { theme: Theme; language: Language }

const KEY = 'sheetflow.prefs';
const listeners = new Set<() => void>();
let prefs = load();

function load(): Prefs {
  const language: Language = navigator.language.startsWith('de') ? 'de' : 'en';
  try {
    return { theme: 'system', language, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Prefs>) };
  } catch {
    return { theme: 'system', language };
  }
}

function apply() {
  const root = document.documentElement;
  root.lang = prefs.language;
  if (prefs.theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = prefs.theme;
}

apply();

export function setPrefs(change: Partial<Prefs>) {
  prefs = { ...prefs, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  apply();
  for (const listener of listeners) listener();
}

export function usePrefs(): Prefs {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => prefs);
}
