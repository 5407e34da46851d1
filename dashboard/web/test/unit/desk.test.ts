import { describe, expect, test } from 'vitest';
import { hrefOf, match, pathOf, placeOf } from '../../src/desk/route.ts';
import { ROLES } from '../../src/desk/session.ts';
import { find, navOf, VIEWS } from '../../src/desk/views.ts';

describe('addresses of views', () => {
  test.each([
    ['', '/', ''],
    ['#', '/', ''],
    ['#main', '/', ''],
    ['#/account', '/account', ''],
    ['#/stations?page=2&state=fault', '/stations', 'page=2&state=fault'],
  ])('%s is %s', (hash, path, query) => {
    const place = placeOf(hash);
    expect(place.path).toBe(path);
    expect(place.query.toString()).toBe(query);
  });

  test.each([
    ['/a', '/a', {}],
    ['/a', '/b', null],
    ['/a', '/a/b', null],
    ['/a/:id', '/a/teld%3AS1', { id: 'teld:S1' }],
    ['/a/:id', '/a/', null],
    ['/a/:id', '/a/%zz', null],
    ['/a/:id/b/:x', '/a/1/b/2', { id: '1', x: '2' }],
  ])('%s fits %s: %o', (pattern, path, params) => {
    expect(match(pattern, path)).toEqual(params);
  });

  test('what was written is read back', () => {
    const path = pathOf('stations', 'teld:S/1 %?');
    expect(match('/stations/:id', placeOf(hrefOf(path, { page: 2, q: '&=', none: null, no: false })).path)).toEqual({
      id: 'teld:S/1 %?',
    });
    expect(placeOf(hrefOf(path, { page: 2, q: '&=' })).query.get('q')).toBe('&=');
  });
});

describe('the table of views', () => {
  test('has each path once a role, both titles, and a place to stand under', () => {
    for (const role of ROLES) {
      const paths = VIEWS.filter((v) => v.roles.includes(role)).map((v) => v.path);
      expect(new Set(paths).size).toBe(paths.length);
    }
    for (const v of VIEWS) {
      expect(v.title.every((word) => word.length > 0)).toBe(true);
      if (!v.nav) expect(VIEWS.some((o) => o.path === v.under && o.nav)).toBe(true);
    }
  });

  test('knows what is whose', () => {
    expect(find('/quality', 'operator')).toMatchObject({ params: {} });
    expect(find('/quality', 'regulator')).toMatchObject({ params: {} });
    expect(find('/connect', 'regulator')).toBe('role');
    expect(find('/compare', 'maker')).toBe('role');
    expect(find('/none', 'operator')).toBeNull();
    expect(navOf('maker').map((v) => v.path)).toContain('/quality');
  });
});
