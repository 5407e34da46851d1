import type { TextKey } from './texts.ts';

/** Says one of the wall's texts. */
export type Say = (key: TextKey, values?: Record<string, string | number>) => string;
