// Package broker takes reports from an MQTT broker that stands outside: one
// paho client reads every party's topics and acknowledges each message only
// once it is on our disk, in the order in which they came.
//
// The broker decides who may publish what; here a message whose topic names no
// registered party, or another kind's payload, is counted and dropped.
package broker

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Config says where the broker is.
type Config struct {
	URL      string // tcp://host:port, ssl://host:port
	User     string
	Password string
	TLS      *tls.Config // for ssl://; nil trusts what the system trusts
	Instance string      // makes the client id ours alone
}

type parties interface {
	PartyBySlug(slug string) (charge.Party, bool)
}

type taker interface {
	Submit(ctx context.Context, m door.Message) error
}

// Source is the platform's client at an outside broker.
type Source struct {
	cfg     Config
	log     *slog.Logger
	parties parties
	taker   taker

	client   mqtt.Client
	arrivals arrivals
	words    words
	taking   context.Context // ends with Quiesce: nothing more is taken
	quiesce  context.CancelFunc
	running  context.Context // ends with Stop
	cancel   context.CancelFunc
	writing  sync.WaitGroup

	inFlight  atomic.Int64 // taken and not yet acknowledged
	connected atomic.Bool
	lastErr   atomic.Pointer[string]
	messages  atomic.Uint64
	acked     atomic.Uint64
	dropped   atomic.Uint64
}

// Stats is what an operator of the platform watches.
type Stats struct {
	Connected bool
	LastError string
	Messages  uint64
	Acked     uint64 // of these, acknowledged because they are on record
	Dropped   uint64 // of no registered party, or of another kind
}

// New returns a source that hands messages to t.
func New(cfg Config, log *slog.Logger, p parties, t taker) *Source {
	return &Source{
		cfg: cfg, log: log, parties: p, taker: t,
		arrivals: arrivals{more: make(chan struct{}, 1)},
		words:    words{latest: map[string][]byte{}, gone: map[string]struct{}{}, more: make(chan struct{}, 1)},
	}
}

// topics are the filters that the platform reads.
func topics() map[string]byte {
	m := map[string]byte{}
	for p := charge.Stations; p <= charge.Vehicles; p++ {
		m[charge.Topic("+", p)] = 1
	}
	return m
}

// Start connects and keeps connected; an absent broker is tried again for ever.
func (s *Source) Start(context.Context) error {
	s.running, s.cancel = context.WithCancel(context.Background())
	s.taking, s.quiesce = context.WithCancel(s.running)
	id := sha256.Sum256([]byte(s.cfg.Instance))
	o := mqtt.NewClientOptions().
		AddBroker(s.cfg.URL).
		SetClientID("dianchi-" + hex.EncodeToString(id[:6])).
		SetUsername(s.cfg.User).SetPassword(s.cfg.Password).
		SetProtocolVersion(4).
		SetCleanSession(false). // the broker keeps what comes while we are away
		SetAutoAckDisabled(true).
		SetOrderMatters(true).
		SetConnectRetry(true).SetConnectRetryInterval(2 * time.Second).
		SetMaxReconnectInterval(5 * time.Second).
		SetWriteTimeout(10 * time.Second).
		SetDefaultPublishHandler(s.take).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { s.lost(err) }).
		SetConnectionNotificationHandler(func(_ mqtt.Client, n mqtt.ConnectionNotification) {
			if f, ok := n.(mqtt.ConnectionNotificationFailed); ok {
				s.lost(f.Reason)
			}
		}).
		SetOnConnectHandler(s.subscribe)
	if s.cfg.TLS != nil {
		o.SetTLSConfig(s.cfg.TLS)
	}
	s.client = mqtt.NewClient(o)
	s.writing.Go(s.acknowledge)
	s.writing.Go(s.publish)
	s.client.Connect() // retried by the client; Stats tells
	return nil
}

// address returns the broker's, without a password that may stand in it.
func (s *Source) address() string {
	u, err := url.Parse(s.cfg.URL)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}

func (s *Source) lost(err error) {
	s.connected.Store(false)
	text := err.Error()
	if old := s.lastErr.Swap(&text); old == nil || *old != text {
		s.log.Warn("broker is away; its messages wait there", "broker", s.address(), "err", err)
	}
}

// subscribe asks for the parties' topics, again and again while the broker
// refuses: its rules may be younger than our start.
func (s *Source) subscribe(c mqtt.Client) {
	s.writing.Go(func() { // the handler must not wait for its own client
		for c.IsConnectionOpen() {
			err := s.trySubscribe(c)
			if err == nil {
				s.connected.Store(true)
				s.lastErr.Store(nil)
				s.log.Info("broker connected", "broker", s.address())
				return
			}
			s.lost(err)
			select {
			case <-s.running.Done():
				return
			case <-time.After(5 * time.Second):
			}
		}
	})
}

func (s *Source) trySubscribe(c mqtt.Client) error {
	t := c.SubscribeMultiple(topics(), nil)
	select {
	case <-t.Done():
	case <-s.running.Done():
		return s.running.Err()
	case <-time.After(10 * time.Second):
		return errors.New("cannot subscribe: no answer within 10 s")
	}
	for topic, code := range t.(*mqtt.SubscribeToken).Result() {
		if code > 2 {
			return fmt.Errorf("the broker does not let %q read %s", s.cfg.User, topic)
		}
	}
	if err := t.Error(); err != nil {
		return fmt.Errorf("cannot subscribe: %w", err)
	}
	return nil
}

// take hands a message on. It blocks while the pipeline is behind, which
// stops the broker from sending more.
func (s *Source) take(_ mqtt.Client, m mqtt.Message) {
	party, kind, ok := s.route(m.Topic())
	if !ok {
		s.dropped.Add(1)
		s.arrive(m, false).done(nil)
		return
	}
	if s.taking.Err() != nil {
		return // stopping; not acknowledged: it comes again
	}
	s.messages.Add(1)
	a := s.arrive(m, true)
	err := s.taker.Submit(s.taking, door.Message{
		Party: party.Num, Kind: kind, Payload: m.Payload(), Received: charge.At(time.Now()), Done: a.done, Shared: true,
	})
	if err != nil {
		a.done(err) // not acknowledged: it comes again
	}
}

func (s *Source) route(topic string) (charge.Party, charge.Payload, bool) {
	slug, kind := charge.ParseTopic(topic)
	party, ok := s.parties.PartyBySlug(slug)
	return party, kind, ok && !party.Removed && kind != 0 && kind.PublishedBy() == party.Kind
}

// Stop takes nothing more, waits until what was taken is acknowledged or ctx
// ends, and closes the connection. The broker keeps our session: what comes
// now waits there.
func (s *Source) Stop(ctx context.Context) error {
	if s.client == nil {
		return nil
	}
	s.quiesce()
	for s.inFlight.Load() > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	s.cancel()
	s.client.Disconnect(250)
	ended := make(chan struct{})
	go func() { s.writing.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-time.After(12 * time.Second): // longer than the client's own limit for writing
		return errors.New("the broker's connection does not end")
	}
}

// Stats returns the source's counters.
func (s *Source) Stats() Stats {
	st := Stats{Connected: s.connected.Load(), Messages: s.messages.Load(), Acked: s.acked.Load(), Dropped: s.dropped.Load()}
	if e := s.lastErr.Load(); e != nil {
		st.LastError = *e
	}
	return st
}
