// Who is at the desk: what a token is good for.
import { ApiError, request } from '../lib/api.ts';

export const ROLES = ['operator', 'maker', 'regulator'] as const;
export type Role = (typeof ROLES)[number];

export interface Party {
  id: string;
  kind: 'operator' | 'maker';
  name: string;
  nameEn: string | null;
}

export interface Session {
  token: string;
  role: Role;
  party: Party | null; // null for regulators
}

/** Why nobody is at the desk; each has a sentence that helps. */
export type Trouble = 'empty' | 'form' | 'unknown' | 'driver' | 'network' | 'limited' | 'failed' | 'ended';

interface Me {
  role: Role | 'driver';
  party: Party | null;
}

const FORM = /^[\x21-\x7e]{8,256}$/; // what a header can carry, no shorter than any token

/** Asks the platform who a token is. */
export async function identify(token: string): Promise<Session | Trouble> {
  if (token === '') return 'empty';
  if (!FORM.test(token)) return 'form';
  try {
    const me = (await (await request('/me', {}, { token })).json()) as Me;
    return me.role === 'driver' ? 'driver' : { token, role: me.role, party: me.party };
  } catch (error) {
    const code = error instanceof ApiError ? error.code : '';
    if (code === 'token-unknown') return 'unknown';
    if (code === 'rate-limited') return 'limited';
    return code === 'network' ? 'network' : 'failed';
  }
}
