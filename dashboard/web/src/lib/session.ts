// The token that a page shows itself with. It lives as long as its tab.

const KEY = 'dianchi.token';

let present: string | null = null;

/**
 * The token to begin with: `#token=` of the address, which is taken out of
 * it so that it stays in no history and no picture of the screen, else the tab's own.
 */
export function takeToken(page: Location = location, past: History = history): string | null {
  const given = new URLSearchParams(page.hash.slice(1)).get('token')?.trim();
  if (given) {
    past.replaceState(past.state, '', page.pathname + page.search);
    keepToken(given);
  } else {
    present = stored();
  }
  return present;
}

/** The token in use; null: a driver. */
export function token(): string | null {
  return present;
}

/** Takes a token into use, null for none. */
export function keepToken(value: string | null): void {
  present = value;
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // storage may be forbidden; the token then lasts until the page is left
  }
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
