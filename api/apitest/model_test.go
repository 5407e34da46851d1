package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const whole = `{"ch":"s/12/3211/1755","rev":"x.5","full":true,"data":{"stations":[` +
	`{"id":"a:1","operator":"a","name":"一","lon":1,"lat":2,"piles":{"total":2}},{"id":"a:2","operator":"a","name":"二","lon":1,"lat":3}]}}`

// TestTake: each list of frames leads to a state, or to what is wrong with it.
func TestTake(t *testing.T) {
	f := func(want, wrong string, frames ...string) {
		t.Helper()
		var m Model
		var last string
		for _, text := range frames {
			got, err := m.Take([]byte(text))
			if err != nil {
				if wrong == "" || !strings.Contains(err.Error(), wrong) {
					t.Errorf("error %v, want one with %q", err, wrong)
				}
				return
			}
			last = got.Ch
		}
		if wrong != "" {
			t.Errorf("no error, want one with %q", wrong)
			return
		}
		c := m.Channels[last]
		b, err := json.Marshal(map[string]any{"items": c.Items, "cells": c.Cells})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(b); got != want {
			t.Errorf("state\n%s\nwant\n%s", got, want)
		}
	}

	f(`{"cells":{},"items":{"a:1":{"id":"a:1","lat":2,"lon":1,"name":"一","operator":"a","piles":{"total":3}}}}`, "", whole,
		`{"ch":"s/12/3211/1755","rev":"x.6","data":{"changed":[{"id":"a:1","piles":{"total":3}}],"removed":["a:2"]}}`)
	f(`{"cells":{"88a":4},"items":{}}`, "",
		`{"ch":"h/free/8/12/3211/1755","rev":"x.5","full":true,"data":{"layer":"free","cells":[["88a",1],["88b",2]]}}`,
		`{"ch":"h/free/8/12/3211/1755","rev":"x.6","data":{"changed":[["88a",4]],"removed":["88b"]}}`)
	f("", "the first frame is a step", `{"ch":"s/12/3211/1755","rev":"x.6","data":{"changed":[],"removed":[]}}`)
	f("", "does not know", whole, `{"ch":"s/12/3211/1755","rev":"x.6","data":{"changed":[{"id":"a:9","piles":{}}]}}`)
	f("", "revision x.4 after x.5", whole, `{"ch":"s/12/3211/1755","rev":"x.4","data":{"changed":[]}}`)
	f("", "no JSON", `{"ch":`)
}

// A client's state and the pages of GET are held against each other by content.
func TestDiff(t *testing.T) {
	f := func(pages []string, want string) {
		t.Helper()
		var m Model
		if _, err := m.Take([]byte(whole)); err != nil {
			t.Fatal(err)
		}
		asked := 0
		get, err := State("s/12/3211/1755", func(path string) ([]byte, error) {
			if strings.Contains(path, "cursor=") != (asked > 0) {
				return nil, fmt.Errorf("page %d is asked for as %s", asked, path)
			}
			asked++
			return []byte(pages[asked-1]), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		diff := m.Channels["s/12/3211/1755"].Diff(get)
		if (diff == "") != (want == "") || !strings.Contains(diff, want) {
			t.Errorf("diff %q, want one with %q", diff, want)
		}
	}

	one := `{"id":"a:1","operator":"a","name":"一","lon":1,"lat":2,"piles":{"total":2},"price":null}`
	two := `{"id":"a:2","operator":"a","name":"二","lon":1,"lat":3,"price":null}`
	f([]string{`{"at":"now","stations":[` + two + `,` + one + `],"next":null}`}, "")
	f([]string{`{"stations":[` + one + `],"next":"c&1"}`, `{"stations":[` + two + `],"next":null}`}, "")
	f([]string{`{"stations":[` + one + `],"next":null}`}, "line 2")
	f([]string{`{"stations":[` + strings.Replace(one, "2}", "3}", 1) + `,` + two + `],"next":null}`}, `{"total":3}`)
}
