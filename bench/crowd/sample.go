package main

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dianchi-platform/dianchi/api/apitest"
)

// sample is a viewer that is checked: it keeps its frames as they came and goes
// through them at the end, so that checking costs nothing while we measure.
type sample struct {
	payload []byte // of the frame that is coming in
	frames  []kept
	size    int
	model   apitest.Model
	broken  error // the first frame that a client could not have used
}

type kept struct {
	zip  bool
	body []byte
}

// keepAtMost is from when on a sample goes through its frames early.
const keepAtMost = 4 << 20

func (s *sample) end(op uint8, zip bool) {
	if op == opText {
		s.frames = append(s.frames, kept{zip, bytes.Clone(s.payload)})
		if s.size += len(s.payload); s.size > keepAtMost {
			s.fold()
		}
	}
	s.payload = s.payload[:0]
}

// fold makes what was kept part of the model.
func (s *sample) fold() {
	for _, f := range s.frames {
		text, err := f.text(-1)
		if err == nil {
			_, err = s.model.Take(text)
		}
		if err != nil && s.broken == nil {
			s.broken = err
		}
	}
	s.frames, s.size = nil, 0
}

// deflateTail ends a message for a reader, RFC 7692, 7.2.2.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

var inflater = flate.NewReader(nil)

// text returns the payload, or its first n bytes.
func (f *kept) text(n int64) ([]byte, error) {
	if !f.zip {
		return f.body, nil
	}
	in := io.MultiReader(bytes.NewReader(f.body), bytes.NewReader([]byte(deflateTail)))
	if err := inflater.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	if n < 0 {
		return io.ReadAll(inflater)
	}
	return io.ReadAll(io.LimitReader(inflater, n))
}

// at returns the time of the revision that the frame which is complete tells of.
func (s *sample) at(zip bool) (time.Time, bool) {
	f := kept{zip, s.payload}
	text, err := f.text(200)
	if err != nil {
		return time.Time{}, false
	}
	_, after, ok := bytes.Cut(text, []byte(`"at":"`))
	value, _, closed := bytes.Cut(after, []byte(`"`))
	if !ok || !closed {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, string(value))
	return at, err == nil
}

// compare holds what the checked viewers know against what GET says, once
// nothing changes any more. Frames that come meanwhile are read.
func (c *clients) compare(ctx context.Context) error {
	said := map[string]*apitest.Channel{} // by replica and channel
	for i := range c.viewers {
		v := &c.viewers[i]
		if v.sampled == nil || v.fd < 0 || ctx.Err() != nil {
			continue
		}
		v.sampled.fold()
		c.count.Checked++
		if v.sampled.broken != nil {
			c.wrong(v, v.sampled.broken.Error())
			continue
		}
		if len(v.sampled.model.Channels) == 0 {
			c.wrong(v, "it was told nothing")
		}
		for name, ch := range v.sampled.model.Channels {
			key := v.replica + " " + name
			if said[key] == nil {
				get, err := apitest.State(name, func(path string) ([]byte, error) { return fetch(ctx, v.replica, path) })
				if err != nil {
					return fmt.Errorf("GET for %s: %w", name, err)
				}
				said[key] = get
			}
			c.count.Channels++
			if diff := ch.Diff(said[key]); diff != "" {
				c.wrong(v, diff)
			}
		}
	}
	c.count.Done = true
	return c.report()
}

func (c *clients) wrong(v *viewer, what string) {
	if len(c.count.Wrong) < 20 {
		c.count.Wrong = append(c.count.Wrong, fmt.Sprintf("viewer %d at %s: %s", v.number, v.replica, what))
	}
}

// fetch asks a replica.
func fetch(ctx context.Context, replica, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+replica+"/api/v1"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", res.Status, b)
	}
	return b, err
}
