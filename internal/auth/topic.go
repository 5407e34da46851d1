package auth

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// TopicPrefix is what all our topics begin with; the party's slug follows.
const TopicPrefix = "dianchi/v1/"

// FeedbackTopic returns the topic on which a party reads its account.
func FeedbackTopic(slug string) string { return TopicPrefix + slug + "/feedback" }

// SplitTopic takes "dianchi/v1/{party}/{payload}" apart without allocating.
// ok is false for anything else.
func SplitTopic(topic string) (slug string, payload charge.Payload, ok bool) {
	rest, ok := strings.CutPrefix(topic, TopicPrefix)
	if !ok {
		return "", 0, false
	}
	slug, level, ok := strings.Cut(rest, "/")
	if !ok || slug == "" {
		return "", 0, false
	}
	payload = charge.PayloadOf(level)
	return slug, payload, payload != 0
}

// MayPublish returns what a party would publish on topic. ok is false if it
// may not: only its own prefix and its own kind's topics are allowed, and
// nothing any more once it was removed.
func (d *Directory) MayPublish(party charge.Num, topic string) (payload charge.Payload, ok bool) {
	e := d.snap.Load().byNum[party]
	if e == nil {
		return 0, false
	}
	slug, payload, ok := SplitTopic(topic)
	if !ok || slug != e.party.Slug || payload.PublishedBy() != e.party.Kind {
		return 0, false
	}
	return payload, true
}

// MaySubscribe reports whether a party may subscribe to filter: only to its
// own feedback topic, named in full.
func (d *Directory) MaySubscribe(party charge.Num, filter string) bool {
	e := d.snap.Load().byNum[party]
	if e == nil {
		return false
	}
	slug, payload, ok := SplitTopic(filter)
	return ok && slug == e.party.Slug && payload == charge.Feedback
}
