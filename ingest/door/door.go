// Package door is the MQTT endpoint that parties push to: MQTT 3.1.1 and 5
// over TCP, on Eclipse's codecs.
//
// It is an endpoint, not a broker: a PUBACK means that the message is on the
// platform's disk, because the door sends it when the pipeline calls
// [Message.Done], in the order in which the messages came. It keeps no
// sessions and routes nothing. A party publishes to its own topics and
// subscribes to its own feedback, of which the door keeps the latest.
//
// A connection has one goroutine that reads (conn.go) and one that writes
// (write.go); what waits for Done stands in its window (window.go). Whatever a
// client sends can end its own connection and nothing else.
package door

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tally"
)

// Config sets a Door's address and limits. Zero values mean the default in brackets.
type Config struct {
	Addr    string   // host:port to listen on; "" for none
	TLSAddr string   // host:port to listen on with TLS; "" for none
	KeyPair *KeyPair // for TLSAddr

	MaxConns       int           // connections that are let in [20,000]
	MaxAll         int           // connections of the whole process, with what Deps.Others counts [any number]
	MaxPartyConns  int           // connections of one party [2,000]
	MaxWaiting     int           // sockets that are not let in yet; then the oldest goes [4,096]
	MaxAddrWaiting int           // of these, from one address, or /64 of IPv6; then the new one goes [1,000]
	Window         int           // messages of a connection that wait for the disk before reading stops [256]
	WindowBytes    int           // their bytes likewise [4 MiB]
	MaxPayload     int           // a larger PUBLISH payload cuts the connection [1 MiB]
	MaxFilters     int           // topic filters of one SUBSCRIBE or UNSUBSCRIBE [64]
	ConnectTimeout time.Duration // from the connection to its CONNECT, TLS handshake included [10 s]
	WriteTimeout   time.Duration // for a client that takes no bytes [20 s]
	PacketTimeout  time.Duration // from a packet's first byte to its last [60 s]
	MaxKeepAlive   time.Duration // MQTT 5 clients that ask for more or none are told this [10 min]
	StallAfter     time.Duration // without progress of what waits, connections close and new ones are refused [20 s]
}

func (c Config) withDefaults() Config {
	c.MaxConns = cmp.Or(c.MaxConns, 20000)
	c.MaxPartyConns = cmp.Or(c.MaxPartyConns, 2000)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 4096)
	c.MaxAddrWaiting = cmp.Or(c.MaxAddrWaiting, 1000)
	c.MaxFilters = cmp.Or(c.MaxFilters, 64)
	c.Window = min(cmp.Or(c.Window, 256), 65535)
	c.WindowBytes = cmp.Or(c.WindowBytes, 4<<20)
	c.MaxPayload = cmp.Or(c.MaxPayload, 1<<20)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 20*time.Second)
	c.PacketTimeout = cmp.Or(c.PacketTimeout, time.Minute)
	c.MaxKeepAlive = min(cmp.Or(c.MaxKeepAlive, 10*time.Minute), 65535*time.Second)
	c.StallAfter = cmp.Or(c.StallAfter, 20*time.Second)
	return c
}

// Message is one payload that a party published.
type Message struct {
	Party    charge.Num
	Kind     charge.Payload
	Payload  []byte // the taker's until it has called Done
	Received charge.Millis
	Shared   bool // comes with other parties' messages: to keep it waiting for one party's rate would slow them all

	// Done is called exactly once for each message that was taken. Late messages
	// are done with after live ones that came later, and a removed party's at once,
	// with an error; otherwise they are done with in the order of Submit for each
	// source. nil acknowledges the message; any error closes the connection without
	// acknowledging it. It does not block.
	Done func(err error)
}

// taker takes messages. Submit blocks while it is behind and fails only when
// it is stopping or with ctx; then it will not call Done.
type taker interface {
	Submit(ctx context.Context, m Message) error
}

// authenticator knows the parties. Any error means that they are not let in.
type authenticator interface {
	CheckPassword(slug, password string) (charge.Party, error)
}

// Deps are the parts that a Door needs.
type Deps struct {
	Auth  authenticator
	Taker taker
	Full  func() bool // reports that nothing can be taken at present; nil for never

	// Others counts connections that other parts of the process have open; nil:
	// none. It waits for nobody.
	Others func() int
}

// Door is the endpoint. Its methods may be called from several goroutines.
type Door struct {
	cfg  Config
	log  *slog.Logger
	deps Deps
	ctx  context.Context // ends with Stop; Submit's context
	end  context.CancelFunc

	plain, secure net.Listener   // nil where there is none
	wg            sync.WaitGroup // accept loops, and two a connection
	watching      chan struct{}  // closed when watch has ended
	guard         *guard

	mu        sync.Mutex
	all       map[*conn]struct{} // every socket
	waiting   waiting            // those of them that are not let in
	clients   map[clientKey]*conn
	parties   map[charge.Num]*party
	anonymous uint64 // numbers clients without an id
	kicks     uint64 // calls of Kick
	stopping  bool

	count    counters
	progress progress
	refused  *tally.Tally
	panics   *tally.Tally
}

// clientKey scopes client ids by party.
type clientKey struct {
	party charge.Num
	id    string
}

// party is what the door knows of one party.
type party struct {
	conns    map[*conn]struct{}
	feedback []byte // latest account; nil when there is none

	coming int           // bytes of its packets over 64 KiB that are coming in
	room   chan struct{} // closed when they become fewer; nil when nobody waits
}

// New returns a Door that is not open yet.
func New(cfg Config, log *slog.Logger, deps Deps) *Door {
	d := &Door{
		cfg: cfg.withDefaults(), log: log, deps: deps,
		all: map[*conn]struct{}{}, clients: map[clientKey]*conn{}, parties: map[charge.Num]*party{},
		watching: make(chan struct{}), guard: newGuard(), waiting: waiting{byAddr: map[netip.Addr]int{}},
		refused: tally.New(log, slog.LevelWarn, "MQTT clients refused"),
		panics:  tally.New(log, slog.LevelError, "MQTT connection ended by a fault of ours"),
	}
	d.count.refused = map[string]uint64{}
	d.ctx, d.end = context.WithCancel(context.Background())
	return d
}

// Stop takes no new connections and no new packets, waits until what was taken
// is acknowledged, and closes all connections. When ctx ends first, they are
// closed without these acknowledgements; parties send such messages again.
func (d *Door) Stop(ctx context.Context) error {
	if d.plain == nil && d.secure == nil {
		return nil
	}
	d.closeListeners()
	d.mu.Lock()
	d.stopping = true
	for c := range d.all {
		c.drain()
	}
	d.mu.Unlock()
	done := make(chan struct{})
	go func() {
		d.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	d.end()
	<-d.watching
	d.mu.Lock()
	for c := range d.all {
		c.close(nil)
	}
	d.mu.Unlock()
	d.refused.Stop()
	d.panics.Stop()
	select {
	case <-done:
		return nil
	case <-time.After(5 * time.Second):
		return errors.New("cannot close all MQTT connections in time")
	}
}

// Kick closes a removed party's connections at once and forgets its feedback.
func (d *Door) Kick(num charge.Num) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kicks++
	p := d.parties[num]
	if p == nil {
		return
	}
	for c := range p.conns {
		c.close(&refusal{"party-removed", 3, reasonAdministrative})
	}
	p.feedback = nil
	d.tidy(num)
}

// tidy forgets a party about which there is nothing to know. d.mu is held.
func (d *Door) tidy(num charge.Num) {
	if p := d.parties[num]; p != nil && len(p.conns) == 0 && p.feedback == nil && p.coming == 0 {
		delete(d.parties, num)
	}
}

// party returns what is known of a party, making it if needed. d.mu is held.
func (d *Door) party(num charge.Num) *party {
	p := d.parties[num]
	if p == nil {
		p = &party{conns: map[*conn]struct{}{}}
		d.parties[num] = p
	}
	return p
}
