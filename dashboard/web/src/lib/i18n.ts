// Languages: which one to speak, and texts with places for values.

export type Lang = 'zh' | 'en';

/** A page's texts: each key in both languages. */
export type Texts<K extends string> = Record<K, readonly [zh: string, en: string]>;

/** The page's language: the address says, else what was chosen before, else the browser. */
export function chooseLang(asked: string | null, kept: string | null, browser: readonly string[]): Lang {
  for (const tag of [asked, kept, ...browser]) {
    const start = tag?.toLowerCase().slice(0, 2);
    if (start === 'zh' || start === 'en') return start;
  }
  return 'zh';
}

/**
 * A function that says texts in a language, with {name} replaced by values, and
 * {name:report|reports} by the word that goes with the value.
 */
export function speaker<K extends string>(
  texts: Texts<K>,
  lang: Lang,
): (key: K, values?: Record<string, string | number>) => string {
  const column = lang === 'zh' ? 0 : 1;
  return (key, values = {}) =>
    texts[key][column].replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many?: string) => {
      const value = String(values[name] ?? '');
      return one === undefined ? value : String(value === '1' ? one : many);
    });
}

/** The name for a reader; the Chinese one where no English one is known. */
export function nameOf(row: { name: string; nameEn?: string | null }, lang: Lang): string {
  return lang === 'en' && row.nameEn ? row.nameEn : row.name;
}

/** The value of <html lang>. */
export function tagOf(lang: Lang): string {
  return lang === 'zh' ? 'zh-CN' : 'en';
}

/** Reads a preference; storage may be forbidden. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a preference where storage is allowed; null forgets it. */
export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // private windows forbid it; the page works without
  }
}
