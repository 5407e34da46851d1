package quality

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// RulesMarkdown prints [Rules] and their numbers as the page docs/rules.md.
func RulesMarkdown() string {
	var b strings.Builder
	b.WriteString(`# 数据质量规则 · Bad-data rules

<!-- Printed from internal/quality: go test ./internal/quality -run TestRulesPage -update -->

Each report is judged by these rules when it comes in. What a rule does is its action:

| action | 含义 | what becomes of the report |
|---|---|---|
| reject | 拒收 | not stored; counted, with a sample |
| duplicate | 重复 | dropped: it is known already |
| history | 仅存历史 | stored; the live state does not change |
| flag | 标记 | taken and marked |
| null | 置空 | taken without the offending value |

First a report's form is looked at, then its time (future, too old), then whether it is known
(exact repeat of one of the last ` + number(kept) + `, conflict with the last one), then its order and age. What is
rejected or a duplicate has that one finding only; everything else may be marked by several rules.
Rules that compare with the last report see taken reports only: late ones change nothing. The account
of what was found comes back under the topic ` + "`feedback`" + `, is counted by party, rule and action in
` + "`dianchi_rule_findings_total`" + ` (one series for each that was ever found) and is part of ` + "`/quality`" + `.

| rule | action | payloads | 规则 | rule in words |
|---|---|---|---|---|
`)
	for _, r := range Rules {
		b.WriteString("| `" + string(r.ID) + "` | ")
		for i, a := range r.Actions {
			if i > 0 {
				b.WriteString(" / ")
			}
			b.WriteString(a.String())
		}
		b.WriteString(" | " + r.Applies + " | " + r.Zh + " | " + r.En + " |\n")
	}
	b.WriteString(`
## 怎样改正 · How to mend it

` + "`GET /quality/{party}/rules`" + ` says the same beside each rule that a party met, with examples.

| rule | fields | 怎样改正 | what to do |
|---|---|---|---|
`)
	for _, r := range Rules {
		m := MendOf(r.ID)
		b.WriteString("| `" + string(r.ID) + "` | " + strings.Join(m.Fields, ", ") + " | " + m.Zh + " | " + m.En + " |\n")
	}
	b.WriteString(`
## Not here, and why

- ` + "`msg.bad-signature`" + `: the payloads of this platform are not signed. Who sends is known from user name and password
  of the MQTT connection (over TLS), and a wrong password never gets as far as a report: the door refuses it, slows its
  guesser down and counts it in ` + "`dianchi_mqtt_refused_total`" + `. What is published under a topic of another party is
  refused by the same door; what names another party's object is ` + "`id.owner-mismatch`" + `.
- ` + "`geo.out-of-city`" + ` is allowed, so nothing is said of it.
- ` + "`meta.station`" + ` does not check organization codes (GB 11714): none of the payloads carries one.

## Numbers

All thresholds are data (` + "`quality.Thresholds`" + `). A * marks a figure of the French supervision platform.

| rule | name | value | what it is |
|---|---|---|---|
`)
	t := DefaultThresholds()
	v := reflect.ValueOf(t)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Tag.Get("rule"), f.Name, value(v.Field(i).Interface(),
			f.Tag.Get("unit")), f.Tag.Get("says"))
	}
	return b.String()
}

// value prints a threshold with its unit.
func value(v any, unit string) string {
	switch n := v.(type) {
	case time.Duration:
		return length(n, false)
	case float64:
		return strings.TrimSpace(number(n) + " " + unit)
	case int:
		return strings.TrimSpace(number(float64(n)) + " " + unit)
	}
	return strings.TrimSpace(fmt.Sprint(v) + " " + unit)
}
