package api

import (
	"net/url"
	"testing"
)

// FuzzParams: query strings mean what package url says they do.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"", "near=102.7,25.0&free=1", "a=1&a=2", "a", "a=b=c", "&&=x&", "q=%E4%B8%96+x", "a=%zz", "a;b=1", "%61=1&a",
		"a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11&l=12&m=13&a=14&m=15"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p := parseParams(query)
		want, err := url.ParseQuery(query)
		if (err != nil) != (p.err != nil) {
			t.Fatalf("%q: %v, package url says %v", query, p.err, err)
		}
		if err != nil {
			return
		}
		for name, values := range want {
			if got, ok := p.get(name); !ok || got != values[len(values)-1] {
				t.Fatalf("%q: %s is %q, %v, want %q", query, name, got, ok, values)
			}
		}
		if n := p.n + len(p.more); len(want) == 0 && n != 0 {
			t.Fatalf("%q has %d parameters, want none", query, n)
		}
	})
}
