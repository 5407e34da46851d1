package charge

import "fmt"

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

	format string // of a Detail that nobody has asked for yet
	args   []any
}

// Find returns a finding whose sentence is put together when it is asked for:
// most findings of a flood are only counted. The arguments must live until then.
func Find(rule Rule, act Action, format string, args ...any) Finding {
	return Finding{Rule: rule, Action: act, format: format, args: args}
}

// Text returns the sentence.
func (f *Finding) Text() string {
	if f.format != "" {
		return fmt.Sprintf(f.format, f.args...)
	}
	return f.Detail
}

// The rules, in the order of the domain page; what each looks for stands in
// the table of room quality and in docs/rules.md.
const (
	RuleMalformed      Rule = "msg.malformed"
	RuleTooLarge       Rule = "msg.too-large"
	RuleFieldMissing   Rule = "msg.field-missing"
	RuleFieldType      Rule = "msg.field-type"
	RuleFieldValue     Rule = "msg.field-value"
	RuleStatusUnknown  Rule = "status.unknown"
	RuleOwnerMismatch  Rule = "id.owner-mismatch"
	RuleIDUnknown      Rule = "id.unknown"
	RuleVINCheck       Rule = "id.vin-check"
	RuleTimeFuture     Rule = "time.future"
	RuleTimeTooOld     Rule = "time.too-old"
	RuleTimeStale      Rule = "time.stale"
	RuleOutOfOrder     Rule = "time.out-of-order"
	RuleDupExact       Rule = "dup.exact"
	RuleDupConflict    Rule = "dup.conflict"
	RuleDupRate        Rule = "dup.rate"
	RuleSOCRange       Rule = "soc.range"
	RuleSOCJump        Rule = "soc.jump"
	RuleSpeedRange     Rule = "speed.range"
	RuleNullIsland     Rule = "geo.null-island"
	RuleOutOfYunnan    Rule = "geo.out-of-yunnan"
	RuleTeleport       Rule = "geo.teleport"
	RuleStuck          Rule = "geo.stuck"
	RuleCRSSuspect     Rule = "geo.crs-suspect"
	RuleOdoDecrease    Rule = "odo.decrease"
	RuleOdoJump        Rule = "odo.jump"
	RuleSentinel       Rule = "sensor.sentinel"
	RuleSensorRange    Rule = "sensor.range"
	RuleOverRated      Rule = "power.over-rated"
	RuleVIMismatch     Rule = "power.vi-mismatch"
	RuleNoPower        Rule = "status.charging-no-power"
	RuleNotCharging    Rule = "status.power-not-charging"
	RuleOfflineBusy    Rule = "status.offline-busy"
	RuleUnchanged      Rule = "status.unchanged"
	RuleEdge           Rule = "status.edge" // ours: a change that nothing can make so fast
	RuleEnergyDecrease Rule = "energy.decrease"
	RuleEnergyExcess   Rule = "energy.excess"
	RuleEnergyPack     Rule = "energy.pack"
	RuleSessionNeg     Rule = "session.negative"
	RuleSessionZero    Rule = "session.zero"
	RuleSessionLong    Rule = "session.long"
	RuleSessionOverlap Rule = "session.overlap"
	RuleSessionMany    Rule = "session.too-many"
	RuleSessionLate    Rule = "session.late"
	RuleNoStatus       Rule = "session.no-status"
	RuleVehicleApart   Rule = "session.vehicle-apart"
	RuleMoneySum       Rule = "money.sum"
	RuleMetaStation    Rule = "meta.station"
	RuleTariffCoverage Rule = "tariff.coverage" // ours: the contract asks for the mark and names no rule
)
