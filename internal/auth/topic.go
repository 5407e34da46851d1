package auth

// TopicPrefix is what all our topics begin with; the party's slug follows.
const TopicPrefix = "dianchi/v1/"

// FeedbackTopic returns the topic on which a party reads its account.
func FeedbackTopic(slug string) string { return TopicPrefix + slug + "/feedback" }
