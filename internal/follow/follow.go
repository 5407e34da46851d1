// Package follow keeps a copy of the live state in other processes.
//
// A [Server] stands beside the log in the process that takes reports in, and
// offers under /internal/ a snapshot, the log's records after it, and finished
// sessions. A [Client] in an api process loads the snapshot, follows the
// records, and comes back after every kind of interruption: it resumes where
// it was while the log still has that place, else it loads a new snapshot.
//
// Records are sent no further than the server's own live state is
// ([Server.Advance]), and each tick stands in the stream where the server had
// it ([Server.Tick]). So after a tick every copy holds what the server held.
//
//	GET /internal/snapshot                      package snapfile's framing
//	GET /internal/stream?after=&instance=&rev=  the frames of frame.go, without end
//	GET /internal/sessions?party=&pile=&from=&to=  JSON; from and to in Unix ms
//	GET /internal/moments?t=                    how the city was, see moments.go
//	POST /internal/alarms/ack, /internal/alarms/past  JSON, see alarms.go
//
// All of them need "Authorization: Bearer" with the token that both sides know.
package follow

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Sink is the state that a [Client] keeps up. Its methods are called from one
// goroutine, in the order of the stream, with valid arguments only during the
// call; parties and tokens may be kept.
type Sink interface {
	Reset()                                                 // forget everything: sections follow
	LoadSection(name string, seq uint64, body []byte) error // a part of the snapshot
	Apply(rec *record.Record)                               // with Seq; may repeat what a section covers
	Tick(rev uint64, at charge.Millis)                      // closes revision rev
	Access(parties []charge.Party, tokens []charge.Token)   // all of them, after each change
}

// Headers and query parameters of the two ends.
const (
	instanceHeader = "Dianchi-Instance"
	accessSection  = "follow/access" // the first section of a snapshot that is served
)
