package ingest

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tail"
)

// load takes one section of a snapshot into the judge's memory, if it is the
// judge's, and notes in b what it goes up to.
func (j *judge) load(name string, seq uint64, body []byte, b *base) error {
	kind, _, _ := strings.Cut(name, "/")
	switch kind {
	case sectionPiles:
		chunk, err := j.index.loadChunk(kind, body)
		b.piles = hold(b.piles, chunk, seq)
		return err
	case sectionCars:
		chunk, err := j.index.loadChunk(kind, body)
		b.vehicles = hold(b.vehicles, chunk, seq)
		return err
	case sectionMeetings:
		b.meetings = seq
		return j.meetings.Decode(body)
	case sectionIDs:
		_, err := j.index.loadChunk(kind, body)
		return err
	}
	return nil // the committer's, or of a newer program
}

// load takes one section of a snapshot into live, accounts and alarms.
func (c *committer) load(name string, seq uint64, body []byte) error {
	if own, ok := strings.CutPrefix(name, livePrefix); ok {
		return c.p.deps.Live.LoadSection(own, seq, body)
	}
	if strings.HasPrefix(name, account.SectionPrefix) {
		return c.accounts.book.LoadSection(name, seq, body)
	}
	if strings.HasPrefix(name, alarm.SectionPrefix) {
		return c.watch.book.LoadSection(name, seq, body)
	}
	switch name {
	case sectionSpoken:
		return c.accounts.loadSpoken(body)
	case tail.SectionName:
		return c.tail.LoadSection(seq, body)
	case sectionRows:
		at, n := binary.Varint(body)
		if n <= 0 {
			return errors.New("cannot read the moment of the newest rows")
		}
		c.settled = charge.Millis(at)
	}
	return nil // the judge's, or of a newer program
}
