package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"gopkg.in/yaml.v3"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// asyncDoc is what the tests look at in asyncapi.yaml.
type asyncDoc struct {
	AsyncAPI   string
	Channels   map[string]struct{ Address string }
	Operations map[string]any
	Components struct {
		Messages map[string]struct {
			Payload  any
			Examples []struct {
				Name    string
				Payload any
			}
		}
		Schemas map[string]any
	}
}

// TestAsyncAPIExamplesAreAccepted gives every example of a message to the code
// that reads such messages, and holds it against its schema.
func TestAsyncAPIExamplesAreAccepted(t *testing.T) {
	var doc asyncDoc
	if err := yaml.Unmarshal(asyncapiYAML, &doc); err != nil || doc.AsyncAPI != "3.0.0" {
		t.Fatal(err)
	}
	schemas := asyncSchemas(t, doc.Components.Schemas)
	w := fullWorld(t)
	c := w.dial("")
	for name, m := range doc.Components.Messages {
		if len(m.Examples) == 0 {
			t.Errorf("message %s has no example", name)
		}
		for _, ex := range m.Examples {
			text, err := json.Marshal(ex.Payload)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			_ = json.Unmarshal(text, &v)
			if err := schemas.Schemas[name].Value.VisitJSON(v); err != nil {
				t.Errorf("%s, %s: %v", name, ex.Name, err)
			}
			if err := accept(t, c, name, text); err != nil {
				t.Errorf("%s, %s: %v", name, ex.Name, err)
			}
		}
	}
	for _, name := range []string{"stations", "piles", "sessions", "fleet", "vehicles", "feedback"} {
		if got := doc.Channels[name].Address; got != "dianchi/v1/{party}/"+name {
			t.Errorf("channel %s has the address %q", name, got)
		}
	}
}

// asyncSchemas reads the schemas of asyncapi.yaml as those of an OpenAPI document.
func asyncSchemas(t *testing.T, schemas map[string]any) *openapi3.Components {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{"openapi": "3.0.3", "info": map[string]any{"title": "x", "version": "1"},
		"paths": map[string]any{}, "components": map[string]any{"schemas": schemas}})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Components
}

func accept(t *testing.T, c *client, name string, text []byte) error {
	d := report.NewDecoder()
	var heads []report.Head
	var bad *charge.Finding
	switch name {
	case "stations":
		var list []report.StationEntry
		list, bad = d.Stations(text)
		for _, e := range list {
			heads = append(heads, e.Head)
		}
	case "piles":
		var list []report.PileEntry
		list, bad = d.Piles(text)
		for _, e := range list {
			heads = append(heads, e.Head)
		}
	case "sessions":
		var list []report.SessionEntry
		list, bad = d.Sessions(text)
		for _, e := range list {
			heads = append(heads, e.Head)
		}
	case "fleet":
		var list []report.FleetEntry
		list, bad = d.Fleet(text)
		for _, e := range list {
			heads = append(heads, e.Head)
		}
	case "vehicles":
		var list []report.VehicleEntry
		list, bad = d.Vehicles(text)
		for _, e := range list {
			heads = append(heads, e.Head)
		}
	case "sub", "unsub", "query":
		if name == "unsub" {
			c.sub("a", `"feed":"overview"`)
		}
		c.send("%s", text)
		for {
			f := c.next()
			if f.Op != name {
				continue
			}
			if f.Error != nil {
				return fmt.Errorf("refused: %s", f.raw)
			}
			for _, ch := range f.Channels {
				c.chans[ch] = &channelState{}
			}
			if name != "sub" {
				return nil
			}
			c.send(`{"op":"unsub","id":%s}`, mustJSON(f.ID))
			for {
				if f := c.next(); f.Op == "unsub" {
					break
				}
			}
			return nil
		}
	default:
		return nil
	}
	if bad != nil {
		return fmt.Errorf("refused whole: %+v", *bad)
	}
	if len(heads) == 0 {
		return errors.New("nothing was decoded")
	}
	for _, h := range heads {
		if h.Rejected || len(h.Findings) > 0 {
			return fmt.Errorf("%s: %+v", h.ID, h.Findings)
		}
	}
	return nil
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
