// Light or dark: the address says, else what was chosen before, else the system.
import { keep, recall } from './i18n.ts';

export type Theme = 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

function chosen(): Theme | null {
  for (const word of [new URLSearchParams(location.search).get('theme'), recall('theme')]) {
    if (word === 'light' || word === 'dark') return word;
  }
  return null;
}

/** The theme now; `changed` is called when the system's changes and nothing else was chosen. */
export function followTheme(changed: (theme: Theme) => void): () => void {
  const tell = (): void => {
    const theme = chosen() ?? (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    changed(theme);
  };
  tell();
  dark.addEventListener('change', tell);
  return () => dark.removeEventListener('change', tell);
}

export function chooseTheme(theme: Theme): void {
  keep('theme', theme);
  document.documentElement.dataset.theme = theme;
}
