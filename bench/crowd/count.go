package main

import (
	"fmt"
	"time"
)

func (c *clients) keep(piece []byte) {
	if s := c.v.sampled; s != nil {
		s.payload = append(s.payload, piece...)
	}
}

// frame takes note of a frame that is complete.
func (c *clients) frame(op uint8, zip bool, first []byte) {
	v := c.v
	switch op {
	case opPing:
		c.write(v, masked(nil, 10, ""))
	case opClose:
		c.close(v, fmt.Errorf("close frame, code %d", int(first[0])<<8|int(first[1])))
	case opText:
		if zip || string(first) != `{"op":` {
			c.tell(v, zip)
		} else if v.asked != 0 { // of the answers only those to questions come after a question
			c.count.Answered++
			c.count.Query.add(c.now.Sub(time.Unix(0, v.asked)))
			v.asked = 0
		}
	}
	if v.sampled != nil {
		v.sampled.end(op, zip)
	}
}

// sameBeat is within what several channels' frames of one pass come.
const sameBeat = 200 * time.Millisecond

func (c *clients) tell(v *viewer, zip bool) {
	v.told = true
	c.count.Frames++
	if zip {
		c.count.Zipped++
	}
	now := c.now.UnixNano()
	if v.last != 0 {
		gap := time.Duration(now - v.last)
		if gap < sameBeat {
			return
		}
		c.count.Gaps.add(gap)
	}
	v.last = now
	if v.sampled != nil {
		if at, ok := v.sampled.at(zip); ok {
			c.count.Latency.add(c.now.Sub(at))
		}
	}
}

// ask sends the questions that are due, evenly over the askers.
func (c *clients) ask() {
	if c.windows < 2 || len(c.askers) == 0 {
		return
	}
	// Questions are due at the rate of those that are open now.
	per := c.spec.Ask / time.Duration(len(c.askers))
	due := int(c.now.Sub(c.began) / per)
	if due-c.asks > len(c.askers) || due < c.asks { // a beginning, or a long pause
		c.asks = due - 1
	}
	for ; c.asks < due; c.asks++ {
		c.next = (c.next + 1) % len(c.askers)
		v := &c.viewers[c.askers[c.next]]
		switch {
		case v.fd < 0:
		case v.asked != 0:
			c.count.Skipped++
		default:
			v.asked = c.now.UnixNano()
			c.count.Asked++
			p := who(c.city, int(v.number))
			c.write(v, masked(nil, opText, p.question()))
		}
	}
}

// beginWindow forgets what was counted of frames and questions.
func (c *clients) beginWindow() {
	n := &c.count
	n.Frames, n.Zipped, n.Bytes, n.Asked, n.Answered, n.Skipped = 0, 0, 0, 0, 0, 0
	n.Gaps, n.Latency, n.Query = hist{}, hist{}, hist{}
	n.From = c.now
	c.windows++
	for i := range c.viewers {
		c.viewers[i].last = 0
	}
}

func (c *clients) report() error {
	c.count.Blind, c.count.Mute, c.count.Waiting, c.count.To = 0, 0, 0, time.Now()
	for i := range c.viewers {
		v := &c.viewers[i]
		if v.fd > 0 && v.last == 0 {
			c.count.Blind++
			if !v.told {
				c.count.Mute++
			}
		}
		if v.fd > 0 && v.asked != 0 && c.now.UnixNano()-v.asked > int64(patience) {
			c.count.Waiting++
		}
	}
	return writeJSON(c.spec.Status, &c.count)
}
