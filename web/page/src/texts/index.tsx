// The texts in the language of the page, and numbers and times written its way.
import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { usePrefs, type Language } from '../prefs';
import { de } from './de';
import { en, type Texts } from './en';

export const languages: Record<Language, Texts> = { en, de };

const Context = createContext<Texts>(en);

export function TextsProvider({ children }: { children: ReactNode }) {
  const { language } = usePrefs();
  return <Context value={languages[language]}>{children}</Context>;
}

export function useTexts(): Texts {
  return useContext(Context);
}

// Times are local; the server's are UTC.
export function useFormat() {
  const { locale: language } = useTexts();
  // The reader's own way of the language: en-GB writes 14:05 where en writes 02:05 PM.
  const locale = navigator.languages.find((one) => one.split('-')[0] === language) ?? language;
  return useMemo(() => {
    const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
    const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
    const year = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
    const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });
    const short = new Intl.NumberFormat(locale, { maximumSignificantDigits: 5 });
    const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
    const units = ['B', 'kB', 'MB', 'GB'];
    return {
      when(iso: string) {
        const date = new Date(iso);
        const now = new Date();
        if (date.toDateString() === now.toDateString()) return time.format(date);
        return (date.getFullYear() === now.getFullYear() ? day : year).format(date);
      },
      full: (iso: string) => full.format(new Date(iso)),
      number: (value: number) => value.toLocaleString(locale),
      short: (value: number) => short.format(value),
      percent: (value: number) => percent.format(value),
      size(bytes: number) {
        let unit = 0;
        for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
        return `${bytes.toLocaleString(locale, { maximumFractionDigits: bytes < 10 && unit ? 1 : 0 })} ${units[unit]}`;
      },
    };
  }, [locale]);
}

// "remove_duplicates" as a person says it.
export function argLabel(texts: Texts, name: string) {
  const spoken = name.replaceAll('_', ' ');
  return texts.args[name] ?? spoken.charAt(0).toUpperCase() + spoken.slice(1);
}

export function valueLabel(texts: Texts, value: string) {
  return texts.values[value] ?? value.replaceAll('_', ' ');
}
