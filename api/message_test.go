package api

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestMessageText(t *testing.T) {
	f := func(text, name, want string, there bool) {
		t.Helper()
		m, err := parseMessage([]byte(text), nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, ok := m.text(name); got != want || ok != there {
			t.Fatalf("%s: %s is %q, %v, want %q, %v", text, name, got, ok, want, there)
		}
	}
	f(`{"a":"x"}`, "a", "x", true)
	f(`{"a":"x"}`, "b", "", false)
	f(`{"a":null}`, "a", "", false)
	f(`{"a":1,"a":null}`, "a", "", false) // of a repeated member the last counts
	f(`{"a":1,"a":2}`, "a", "2", true)
	f(` { "a" : [ 1 , 2.5 ] , "b" : true } `, "a", "1,2.5", true)
	f(` { "a" : [ 1 , 2.5 ] , "b" : true } `, "b", "true", true)
	f(`{"a":{"b":"]}"},"c":"\"\\"}`, "c", `"\`, true)
	f(`{"\u0061":"滇"}`, "a", "滇", true)
	f(`{}`, "a", "", false)
}

// FuzzMessage: what is taken apart is a JSON object, and its members are those
// that package json finds.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{`{"op":"sub","id":"a","feed":"stations","bbox":[102.70,25.00,102.75,25.05]}`, `{"rev":{"s/1":"x1.1"},"a":[[{}]]}`,
		`{"a":"\\\"","a":1e5}`, `[]`, `{"a":-0.50E+1,"b":01}`, `{"a":[1,{"b":"\\u00e9\\n"}],}`, `{"a":tru}`, "{\"a\":\"\n\"}", `{"a" : [ ] , "b":{} } x`, `{`, ``, ` {} `, `{"":null}`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := parseMessage(in, nil)
		var want map[string]json.RawMessage
		if jerr := json.Unmarshal(in, &want); (jerr == nil && want != nil) != (err == nil) {
			t.Fatalf("%q: %v, package json says %v", in, err, jerr)
		}
		if err != nil || !utf8.Valid(in) {
			return
		}
		for name, raw := range want {
			got := m.raw(name)
			if string(raw) == "null" {
				raw = nil
			}
			if string(got) != string(raw) {
				t.Fatalf("%q: %s is %q, want %q", in, name, got, raw)
			}
			_, _ = m.text(name)
		}
	})
}
