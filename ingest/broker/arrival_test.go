package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// letter is a message that notes when it is acknowledged.
type letter struct {
	mqtt.Message
	n     int
	topic string
	desk  *desk
}

type desk struct {
	mu   sync.Mutex
	acks []int
}

func (l *letter) Topic() string { return l.topic }

func (l *letter) Payload() []byte { return fmt.Append(nil, l.n) }

func (l *letter) Ack() {
	l.desk.mu.Lock()
	defer l.desk.mu.Unlock()
	l.desk.acks = append(l.desk.acks, l.n)
}

// Whatever order the pipeline has done with messages in, the broker gets their
// acknowledgements in the order in which it sent them, without those that
// failed; what belongs to nobody is acknowledged in its turn.
func TestAcknowledgedInTheOrderOfArrival(t *testing.T) {
	d := &disk{}
	s := New(Config{}, quiet, &directory{}, d)
	ctx, cancel := t.Context(), func() {}
	s.running, s.taking = ctx, ctx
	s.cancel, s.quiesce = cancel, cancel
	go s.acknowledge()
	const n = 2000
	post := &desk{}
	var want []int
	for i := range n {
		topic := "dianchi/v1/teld/piles"
		if i%50 == 7 {
			topic = "dianchi/v1/nobody/piles"
		}
		s.take(nil, &letter{n: i, topic: topic, desk: post})
		if i%100 != 13 {
			want = append(want, i)
		}
	}
	waits := d.waits
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(waits))
	var workers sync.WaitGroup
	for part := range slices.Chunk(order, len(order)/4) {
		workers.Go(func() {
			for _, i := range part {
				if d.got[i][max(0, len(d.got[i])-2):] == "13" {
					waits[i](errors.New("the record was damaged"))
				} else {
					waits[i](nil)
				}
			}
		})
	}
	workers.Wait()
	for end := time.Now().Add(5 * time.Second); s.inFlight.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	post.mu.Lock()
	defer post.mu.Unlock()
	if !slices.Equal(post.acks, want) {
		t.Errorf("%d acknowledgements, want %d: %.200v", len(post.acks), len(want), post.acks)
	}
	if got, want := s.Stats().Acked, uint64(len(want)-n/50); got != want {
		t.Errorf("%d are counted as acknowledged because they are on record, want %d", got, want)
	}
}
