// Package stream is a publisher that costs next to nothing, for measuring what
// takes the reports: objects keep their report as text, of which a repeat has
// its ts patched in place; MQTT 3.1.1 is written to the socket as it is.
//
// It runs as a process of its own ([Main]), so that its CPU is told apart, and
// keeps a ledger of every message: when it was due, sent and acknowledged.
package stream

import (
	"encoding/json"
	"os"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Spec tells a publisher what to do.
type Spec struct {
	Door    string        // host:port
	Cadence time.Duration // each object reports this often
	First   time.Duration // every object's first report takes so long; at least Cadence
	Batch   int           // reports a message
	Parties []Party
	Status  string // file of the running count, JSON of [Status]
	Ledger  string // file of all messages, see [ReadLedger]
}

// Party is one account and its objects.
type Party struct {
	Slug, Password string
	Kind           charge.Payload // what it publishes: Piles or Vehicles
	First, Objects int            // its objects are numbered from First over all parties of the kind
	Conns          int            // connections, each with its share of the objects

	// Late parties publish what is hours old, from LateFrom on, with steps of
	// LateStep for each object. LateRate is reports a second of this party, 0 as
	// fast as they are acknowledged.
	Late     bool
	LateFrom time.Time
	LateStep time.Duration
	LateRate int
}

// Status is the running count of a publisher.
type Status struct {
	Introduced bool // all master data is acknowledged
	Rounds     int  // how often each object has reported at least
	Parties    map[string]Count
}

// Count is one party's, in elements of messages.
type Count struct {
	Masters   uint64 // stations or fleet, acknowledged
	Published uint64 // reports sent
	Acked     uint64 // of these acknowledged
	Messages  uint64 // sent, of reports
}

// Sum adds up the counts of all parties for which want is true; nil wants all.
func (s *Status) Sum(want func(slug string) bool) (sum Count) {
	for slug, c := range s.Parties {
		if want == nil || want(slug) {
			sum.Masters += c.Masters
			sum.Published += c.Published
			sum.Acked += c.Acked
			sum.Messages += c.Messages
		}
	}
	return sum
}

// ReadStatus reads a publisher's running count and when it was written.
func ReadStatus(file string) (s Status, at time.Time, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return s, at, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return s, at, err
	}
	return s, info.ModTime(), json.Unmarshal(b, &s)
}

func writeJSON(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}

// Share returns where part i of n objects begins and how many it has, when they are
// shared among parts; a station's piles stay together if n is whole stations.
func Share(n, parts, i int) (first, count int) {
	cut := func(i int) int {
		if i == parts {
			return n
		}
		c := n * i / parts
		return c - c%pilesPerStation
	}
	return cut(i), cut(i+1) - cut(i)
}
