package quality

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// RuleInfo is one row of the table of rules: what a rule is called, does and
// says, and the pure function that finds it. Rules without a function are found
// where the form, the time or the owner of a report is looked at first.
type RuleInfo struct {
	ID      charge.Rule
	Actions []charge.Action
	Applies string // to which payloads
	Zh, En  string // what it looks for, with its thresholds

	alone   pileCheck // looks at one pile report by itself
	past    pileCheck // and at the one before: for taken reports only
	car     vehicleCheck
	carPast vehicleCheck
	session sessionCheck
}

const (
	rejects   = charge.ActReject
	duplicate = charge.ActDuplicate
	history   = charge.ActHistory
	flags     = charge.ActFlag
	nulls     = charge.ActNull
)

func of(a ...charge.Action) []charge.Action { return a }

// Rules is the table of all rules in force, with the numbers of
// [DefaultLimits]. docs/rules.md is printed from it.
var Rules = func() []RuleInfo {
	l := DefaultLimits()
	return Table(&l)
}()

// The functions of the table, in its order.
var (
	pileAlone, pilePast       []pileCheck
	vehicleAlone, vehiclePast []vehicleCheck
	sessionChecks             []sessionCheck
)

func init() {
	for _, r := range Rules {
		pileAlone = set(pileAlone, r.alone, r.alone != nil)
		pilePast = set(pilePast, r.past, r.past != nil)
		vehicleAlone = set(vehicleAlone, r.car, r.car != nil)
		vehiclePast = set(vehiclePast, r.carPast, r.carPast != nil)
		sessionChecks = set(sessionChecks, r.session, r.session != nil)
	}
}

func set[T any](all []T, one T, is bool) []T {
	if is {
		return append(all, one)
	}
	return all
}

// sentence is what a rule looks for, in both languages.
type sentence struct{ zh, en string }

// say fills a sentence in: numbers are printed shortly, durations in words.
func say(zh, en string, numbers ...any) sentence {
	return sentence{phrase(zh, true, numbers), phrase(en, false, numbers)}
}

func phrase(format string, zh bool, numbers []any) string {
	args := make([]any, len(numbers))
	for i, n := range numbers {
		switch n := n.(type) {
		case time.Duration:
			args[i] = length(n, zh)
		case float64:
			args[i] = number(n)
		case int:
			args[i] = number(float64(n))
		default:
			args[i] = n
		}
	}
	return fmt.Sprintf(format, args...)
}

// number prints n shortly, with commas between thousands.
func number(n float64) string {
	if n >= 1e7 {
		return strings.Replace(strconv.FormatFloat(n, 'e', -1, 64), "e+0", "e", 1)
	}
	s := strconv.FormatFloat(n, 'f', -1, 64)
	whole, rest, dot := strings.Cut(s, ".")
	if len(whole) > 4 {
		whole = whole[:len(whole)-3] + "," + whole[len(whole)-3:]
	}
	if dot {
		return whole + "." + rest
	}
	return whole
}

// length prints a duration in its largest whole unit.
func length(d time.Duration, zh bool) string {
	for _, u := range [...]struct {
		unit   time.Duration
		zh, en string
	}{{day, "天", "days"}, {time.Hour, "小时", "h"}, {time.Minute, "分钟", "min"}, {time.Second, "秒", "s"}} {
		if d%u.unit == 0 && (u.unit != day || d >= 2*day) {
			if zh {
				return number(float64(d/u.unit)) + " " + u.zh
			}
			return number(float64(d/u.unit)) + " " + u.en
		}
	}
	if zh {
		return number(d.Seconds()) + " 秒"
	}
	return number(d.Seconds()) + " s"
}
