// Package apitest is a client of the websocket as the contract describes one,
// for tests and measurements of whole systems.
//
// A [Model] keeps a state for each channel, fed with frames, and knows nothing
// else of how the server works. [Channel.Diff] holds it against what GET says.
package apitest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Frame is any frame from the server.
type Frame struct {
	Op       string
	ID       json.RawMessage
	Ch       string
	Rev      string
	At       string // RFC 3339
	Full     bool
	Channels []string
	Data     json.RawMessage
	Error    *struct{ Code, Message string }
}

// Object is a station, vehicle or alarm by its members.
type Object = map[string]json.RawMessage

// Model is what a client knows. The zero value knows nothing; it is for one goroutine.
type Model struct {
	Channels map[string]*Channel
}

// Channel is what a client knows of one channel. Its members are as the last frame left them.
type Channel struct {
	Name  string
	Rev   string // opaque: hand it back to resume
	Whole Object // data of the last full frame, of feeds that are sent whole
	Items map[string]Object
	Cells map[string]float64
}

// data is every feed's; members that are not lists of objects stand in Whole.
type data struct {
	Stations, Vehicles, Alarms, Cells, Changed, Removed json.RawMessage
}

// Take makes a frame part of what the client knows. An error means that a
// client that goes by the contract could not have used it.
func (m *Model) Take(text []byte) (Frame, error) {
	var f Frame
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("a frame is no JSON: %w: %.200s", err, text)
	}
	if f.Ch == "" {
		return f, nil
	}
	if m.Channels == nil {
		m.Channels = map[string]*Channel{}
	}
	c := m.Channels[f.Ch]
	if c == nil {
		c = &Channel{Name: f.Ch}
		m.Channels[f.Ch] = c
	}
	return f, c.take(&f)
}

// Number returns the revision's number, which orders the frames of a channel.
// The contract calls revisions opaque: only tests may look at it.
func Number(rev string) uint64 {
	n, _ := strconv.ParseUint(rev[strings.LastIndexByte(rev, '.')+1:], 10, 64)
	return n
}

func (c *Channel) take(f *Frame) error {
	if !f.Full && c.Rev == "" {
		return fmt.Errorf("%s: the first frame is a step: %.200s", c.Name, f.Data)
	}
	if c.Rev != "" && Number(f.Rev) < Number(c.Rev) {
		return fmt.Errorf("%s: revision %s after %s", c.Name, f.Rev, c.Rev)
	}
	c.Rev = f.Rev
	var d data
	if err := json.Unmarshal(f.Data, &d); err != nil {
		return fmt.Errorf("%s: data: %w", c.Name, err)
	}
	if f.Full {
		c.Whole, c.Items, c.Cells = Object{}, map[string]Object{}, map[string]float64{}
		if err := json.Unmarshal(f.Data, &c.Whole); err != nil {
			return fmt.Errorf("%s: data: %w", c.Name, err)
		}
	}
	for _, list := range []json.RawMessage{d.Stations, d.Vehicles, d.Alarms, d.Cells, d.Changed} {
		if err := c.merge(list); err != nil {
			return fmt.Errorf("%s at %s: %w", c.Name, c.Rev, err)
		}
	}
	var gone []string
	if len(d.Removed) > 0 {
		if err := json.Unmarshal(d.Removed, &gone); err != nil {
			return fmt.Errorf("%s: removed: %w", c.Name, err)
		}
	}
	for _, id := range gone {
		delete(c.Items, id)
		delete(c.Cells, id)
	}
	return nil
}

// merge takes over a list of objects or of cells with their values.
func (c *Channel) merge(list json.RawMessage) error {
	if len(list) == 0 {
		return nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil {
		return nil // a count, as in overview
	}
	for _, raw := range all {
		if raw[0] == '[' {
			var pair [2]any
			if err := json.Unmarshal(raw, &pair); err != nil {
				return err
			}
			id, ok1 := pair[0].(string)
			value, ok2 := pair[1].(float64)
			if !ok1 || !ok2 {
				return fmt.Errorf("cell %s", raw)
			}
			c.Cells[id] = value
			continue
		}
		var o Object
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		id := idOf(o)
		was := c.Items[id]
		if was == nil {
			if o["lon"] == nil && o["raisedAt"] == nil { // an alarm is whole each time
				return fmt.Errorf("part of %s, which the client does not know: %s", id, raw)
			}
			c.Items[id] = o
			continue
		}
		for k, v := range o {
			was[k] = v
		}
	}
	return nil
}

func idOf(o Object) string {
	raw := o["id"]
	if raw == nil {
		raw = o["vin"]
	}
	var id string
	if json.Unmarshal(raw, &id) != nil {
		return string(raw) // an alarm's number
	}
	return id
}
