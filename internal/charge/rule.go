package charge

// Rule is the stable id of a bad-data rule, as it stands in feedback.
type Rule string

// Action is what a rule does to a report.
type Action uint8

// Actions, named in feedback by [Action.String].
const (
	ActReject    Action = 1 + iota // not stored
	ActDuplicate                   // dropped: already known
	ActHistory                     // stored, live untouched
	ActFlag                        // taken and marked
	ActNull                        // taken without the offending value
)

// String returns the word of the feedback payload.
func (a Action) String() string {
	return [...]string{"", "reject", "duplicate", "history", "flag", "null", "", ""}[a&7]
}

// Finding is one rule that one report met, with a sentence for its sender.
type Finding struct {
	Rule   Rule
	Action Action
	Detail string // English, names the object and the value; no secrets
}

// Rules that need no memory, in the order of the domain page.
const (
	RuleMalformed     Rule = "msg.malformed"
	RuleTooLarge      Rule = "msg.too-large"
	RuleFieldMissing  Rule = "msg.field-missing"
	RuleFieldType     Rule = "msg.field-type"
	RuleFieldValue    Rule = "msg.field-value"
	RuleStatusUnknown Rule = "status.unknown"
	RuleOwnerMismatch Rule = "id.owner-mismatch"
	RuleIDUnknown     Rule = "id.unknown"
	RuleVINCheck      Rule = "id.vin-check"
	RuleTimeFuture    Rule = "time.future"
	RuleTimeTooOld    Rule = "time.too-old"
	RuleTimeStale     Rule = "time.stale"
	RuleOutOfOrder    Rule = "time.out-of-order"
	RuleDupExact      Rule = "dup.exact"
	RuleDupConflict   Rule = "dup.conflict"
	RuleDupRate       Rule = "dup.rate"
	RuleSOCRange      Rule = "soc.range"
	RuleSOCJump       Rule = "soc.jump"
	RuleSpeedRange    Rule = "speed.range"
	RuleNullIsland    Rule = "geo.null-island"
	RuleOutOfYunnan   Rule = "geo.out-of-yunnan"
	RuleOutOfCity     Rule = "geo.out-of-city"
	RuleSentinel      Rule = "sensor.sentinel"
	RuleSensorRange   Rule = "sensor.range"
	RuleOverRated     Rule = "power.over-rated"
	RuleVIMismatch    Rule = "power.vi-mismatch"
	RuleNotCharging   Rule = "status.power-not-charging"
	RuleOfflineBusy   Rule = "status.offline-busy"
	RuleSessionNeg    Rule = "session.negative"
	RuleSessionZero   Rule = "session.zero"
	RuleSessionLong   Rule = "session.long"
	RuleSessionLate   Rule = "session.late"
	RuleMoneySum      Rule = "money.sum"
	RuleMetaStation   Rule = "meta.station"
)
