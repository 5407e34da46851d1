package charge

import "strings"

// topicPrefix is what all our MQTT topics begin with; the party's slug follows.
const topicPrefix = "dianchi/v1/"

// Topic returns the MQTT topic on which a party's payload goes; "+" for every
// party's is a filter.
func Topic(slug string, p Payload) string { return topicPrefix + slug + "/" + p.String() }

// ParseTopic takes a topic of ours apart; p is 0 for any other.
func ParseTopic(topic string) (slug string, p Payload) {
	rest, ok := strings.CutPrefix(topic, topicPrefix)
	if !ok {
		return "", 0
	}
	slug, level, ok := strings.Cut(rest, "/")
	if !ok {
		return "", 0
	}
	return slug, PayloadOf(level)
}
