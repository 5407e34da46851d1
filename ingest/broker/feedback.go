package broker

import (
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// words are the accounts that are to be published: the latest of each topic.
type words struct {
	mu     sync.Mutex
	latest map[string][]byte   // an empty one takes the kept account away
	gone   map[string]struct{} // topics of removed parties, which nobody gets again
	more   chan struct{}
}

// PublishFeedback gives a party its account, retained. It never waits; what
// cannot be published is followed by a newer one.
func (s *Source) PublishFeedback(p charge.Party, payload []byte) {
	w := &s.words
	w.put(charge.Topic(p.Slug, charge.Feedback), payload, false)
}

// Forget takes a removed party's account away from the broker, which keeps it
// for who subscribes late. A slug is never given again, so this is for good.
func (s *Source) Forget(slug string) {
	s.words.put(charge.Topic(slug, charge.Feedback), nil, true)
}

func (w *words) put(topic string, payload []byte, forGood bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, gone := w.gone[topic]; gone {
		return
	}
	if forGood {
		w.gone[topic] = struct{}{}
	}
	w.latest[topic] = payload
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// publish sends the accounts, apart from the committer, which must not wait
// for a socket. While the broker is away they wait.
func (s *Source) publish() {
	w := &s.words
	for {
		select {
		case <-w.more:
		case <-s.running.Done():
			return
		}
		for s.running.Err() == nil {
			if !s.client.IsConnectionOpen() {
				select {
				case <-time.After(200 * time.Millisecond):
				case <-s.running.Done():
				}
				continue
			}
			topic, payload, ok := w.take()
			if !ok {
				break
			}
			s.client.Publish(topic, 1, true, payload)
		}
	}
}

func (w *words) take() (topic string, payload []byte, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, payload = range w.latest {
		delete(w.latest, topic)
		return topic, payload, true
	}
	return "", nil, false
}
