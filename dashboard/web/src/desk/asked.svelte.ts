// Answers that a view asks for when it opens, and again every so often.
import { untrack } from 'svelte';
import { ApiError } from '../lib/api.ts';

export interface Asked<T> {
  readonly value: T | undefined; // the last answer; it stays while the next is under way, and when that fails
  readonly error: ApiError | null; // why the newest question was not answered
  again(): void;
}

const RETRY_MS = 3_000;

/**
 * Asks in an effect of the calling component: again every `everyMs` (0: once),
 * and at once when state that `ask` reads before its first await has changed;
 * the former answer is then dropped if `key` differs.
 */
export function asked<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs = 0, key: () => string = () => ''): Asked<T> {
  let value = $state.raw<T>();
  let error = $state.raw<ApiError | null>(null);
  let turn = $state(0);
  let shown = '';

  $effect(() => {
    void turn;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const now = key();
    if (now !== shown) {
      shown = now;
      untrack(() => (value = undefined));
    }
    const round = (answer: Promise<T>): void => {
      answer.then(
        (got) => {
          if (stop.signal.aborted) return;
          [value, error] = [got, null];
          later(everyMs);
        },
        (cause: unknown) => {
          if (stop.signal.aborted) return;
          error = cause instanceof ApiError ? cause : new ApiError('internal', 0, String(cause));
          const hopeless = error.status >= 400 && error.status < 500 && error.code !== 'rate-limited';
          if (!hopeless) later(Math.max(RETRY_MS, everyMs));
        },
      );
    };
    const later = (ms: number): void => {
      if (ms > 0) timer = setTimeout(() => round(ask(stop.signal)), ms);
    };
    round(ask(stop.signal));
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    again: () => (turn += 1),
  };
}
