package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// Bounds of one party's client.
const (
	window       = 20  // messages that are sent and not acknowledged
	queueLength  = 200 // batches that wait to be sent, 10,000 reports
	keepAlive    = 30 * time.Second
	patience     = 10 * time.Second // for a connection, a subscription and a write
	firstBackoff = 250 * time.Millisecond
	mostBackoff  = 10 * time.Second
)

// errLost is the end of a connection that nobody wanted.
var errLost = errors.New("connection lost")

// party is one party's MQTT client.
type party struct {
	who      fleet.Party
	broker   string
	trust    *tls.Config // nil is the system's
	password string
	log      *slog.Logger

	masters    masters
	said       int                         // how many of its messages were sent; belongs to run
	introduced atomic.Bool                 // master data is acknowledged: reports may follow
	again      atomic.Bool                 // the platform does not know us: introduce once more
	filling    [charge.Feedback + 1]*batch // by kind; belongs to the goroutine of the sink
	closing    chan struct{}               // closed after queue: nothing more will come
	queue      chan *batch                 // from the sink to run
	sent       []*sentBatch                // oldest first; belongs to run
	topics     [charge.Feedback + 1]string // by kind
	feedback   atomic.Pointer[Feedback]    // the newest account
	latency    histogram                   // of PUBACKs
	counts     counters
}

// counters are of reports, but for messages, and for published and acknowledged,
// which are by kind and have master data too. Published are first sendings.
type counters struct {
	published, acknowledged   [charge.Feedback + 1]atomic.Uint64
	resent, skipped, messages atomic.Uint64
	connected                 atomic.Bool
	connects                  atomic.Uint64
}

// sentBatch is a message that waits for its PUBACK.
type sentBatch struct {
	*batch
	master bool
	token  mqtt.Token
	at     time.Time
}

func newParty(who fleet.Party, broker string, trust *tls.Config, password string, log *slog.Logger) *party {
	p := &party{who: who, broker: broker, trust: trust, password: password, log: log, queue: make(chan *batch, queueLength), closing: make(chan struct{})}
	for k := charge.Stations; k <= charge.Feedback; k++ {
		p.topics[k] = charge.Topic(who.Slug, k)
	}
	return p
}

// hand takes a batch from the sink; when the queue is full its reports are
// skipped, because a platform that is behind is better served with what comes.
func (p *party) hand(b *batch) {
	p.filling[b.kind] = nil
	select {
	case p.queue <- b.finish():
	default:
		p.counts.skipped.Add(uint64(b.n))
		batches.Put(b)
	}
}

// run keeps the party connected and sends its messages until the queue is
// closed and everything is acknowledged, or ctx is over.
func (p *party) run(ctx context.Context) {
	backoff, complained := firstBackoff, false
	for {
		c, lost, err := p.connect(ctx)
		if err == nil {
			backoff, complained = firstBackoff, false
			err = p.talk(ctx, c, lost)
			c.Disconnect(250)
			p.counts.connected.Store(false)
			if err == nil || ctx.Err() != nil {
				return
			}
		}
		if ctx.Err() != nil || p.over() {
			return
		}
		if !complained {
			p.log.Warn("the platform is away; trying again until it is back", "err", err)
			complained = true
		}
		select {
		case <-ctx.Done():
			return
		case <-p.closing:
			if p.over() {
				return
			}
			time.Sleep(firstBackoff)
		case <-time.After(backoff):
			backoff = min(2*backoff, mostBackoff)
		}
	}
}

// over reports whether the queue is closed and nothing is left to be sent or
// acknowledged but, at most, the introduction.
func (p *party) over() bool {
	select {
	case <-p.closing:
	default:
		return false
	}
	for _, b := range p.sent {
		if !b.master {
			return false
		}
	}
	return len(p.queue) == 0
}

// connect opens a connection and subscribes to the party's account. The
// channel is closed when the connection is lost.
func (p *party) connect(ctx context.Context) (mqtt.Client, <-chan struct{}, error) {
	lost := make(chan struct{})
	var once sync.Once
	o := mqtt.NewClientOptions().AddBroker(p.broker).SetClientID(p.who.Slug + "-simulator").
		SetUsername(p.who.Slug).SetPassword(p.password).SetProtocolVersion(4).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(false).
		SetKeepAlive(keepAlive).SetConnectTimeout(patience).SetWriteTimeout(patience).
		SetConnectionLostHandler(func(mqtt.Client, error) { once.Do(func() { close(lost) }) })
	if p.trust != nil {
		o.SetTLSConfig(p.trust)
	}
	c := mqtt.NewClient(o)
	if err := wait(ctx, c.Connect()); err != nil {
		c.Disconnect(0)
		return nil, nil, err
	}
	sub := c.Subscribe(p.topics[charge.Feedback], 1, func(_ mqtt.Client, m mqtt.Message) { p.heard(m.Payload()) })
	if err := wait(ctx, sub); err != nil {
		c.Disconnect(0)
		return nil, nil, err
	}
	for topic, code := range sub.(*mqtt.SubscribeToken).Result() {
		if code > 2 {
			p.log.Warn("the platform refuses to tell our account", "topic", topic)
		}
	}
	p.counts.connected.Store(true)
	p.counts.connects.Add(1)
	return c, lost, nil
}

// wait waits for a token, for patience, and for ctx.
func wait(ctx context.Context, t mqtt.Token) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-timer.C:
		return errors.New("no answer in time")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// talk sends over one connection: first again what was not acknowledged, then
// master data if the platform does not have it, then what comes. It returns
// nil when the queue is closed and everything is acknowledged.
func (p *party) talk(ctx context.Context, c mqtt.Client, lost <-chan struct{}) error {
	for _, b := range p.sent {
		if !b.master {
			p.counts.resent.Add(uint64(b.n))
		}
		p.transmit(c, b)
	}
	queue := p.queue
	for {
		if err := p.introduce(ctx, c, lost); err != nil {
			return err
		}
		var next <-chan *batch
		if len(p.sent) < window {
			next = queue
		}
		var oldest <-chan struct{}
		if len(p.sent) > 0 {
			oldest = p.sent[0].token.Done()
		} else if queue == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lost:
			return errLost
		case <-oldest:
			if err := p.acknowledged(); err != nil {
				return err
			}
		case b, ok := <-next:
			if !ok {
				queue = nil
				continue
			}
			p.counts.messages.Add(1)
			p.first(c, &sentBatch{batch: b})
		}
	}
}

// introduce sends the master data that the platform does not have, and waits
// until all of it is acknowledged; nothing else is sent in between.
func (p *party) introduce(ctx context.Context, c mqtt.Client, lost <-chan struct{}) error {
	if p.again.Swap(false) {
		p.said = 0
	}
	list := p.masters.messages()
	if p.introduced.Load() && p.said == len(list) {
		return nil
	}
	for p.said < len(list) {
		if err := p.drain(ctx, lost, window-1); err != nil {
			return err
		}
		b := list[p.said]
		p.said++
		p.first(c, &sentBatch{batch: b, master: true})
	}
	if err := p.drain(ctx, lost, 0); err != nil {
		return err
	}
	p.introduced.Store(true)
	p.log.Info("introduced to the platform", "messages", len(list))
	return nil
}

// drain waits until at most n messages are not acknowledged.
func (p *party) drain(ctx context.Context, lost <-chan struct{}, n int) error {
	for len(p.sent) > n {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lost:
			return errLost
		case <-p.sent[0].token.Done():
			if err := p.acknowledged(); err != nil {
				return err
			}
		}
	}
	return nil
}

// first sends a batch for the first time and remembers it.
func (p *party) first(c mqtt.Client, b *sentBatch) {
	p.sent = append(p.sent, b)
	p.counts.published[b.kind].Add(uint64(b.n))
	p.transmit(c, b)
}

func (p *party) transmit(c mqtt.Client, b *sentBatch) {
	b.at = time.Now()
	b.token = c.Publish(p.topics[b.kind], 1, false, b.payload)
}

// acknowledged forgets the oldest message, whose token is done.
func (p *party) acknowledged() error {
	b := p.sent[0]
	if err := b.token.Error(); err != nil {
		return err
	}
	p.sent[0] = nil
	p.sent = p.sent[1:]
	p.counts.acknowledged[b.kind].Add(uint64(b.n))
	if !b.master {
		p.latency.add(time.Since(b.at))
		batches.Put(b.batch)
	}
	return nil
}
