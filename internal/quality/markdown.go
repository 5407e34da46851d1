package quality

import "strings"

// RulesMarkdown prints [Rules] as the page docs/rules.md.
func RulesMarkdown() string {
	var b strings.Builder
	b.WriteString(`# 数据质量规则 · Bad-data rules

<!-- Printed from internal/quality/rules.go: go test ./internal/quality -run TestRulesPage -update -->

Each report is judged by these rules when it comes in. What a rule does is its action:

| action | 含义 | what becomes of the report |
|---|---|---|
| reject | 拒收 | not stored; counted, with a sample |
| duplicate | 重复 | dropped: it is known already |
| history | 仅存历史 | stored; the live state does not change |
| flag | 标记 | taken and marked |
| null | 置空 | taken without the offending value |

First a report's form is looked at, then its time (future, too old), then whether it is known
(exact repeat of one of the last 16, conflict with the last one), then its order and age. What is
rejected or a duplicate has that one finding only; everything else may be marked by several rules.
The account of what was found comes back under the topic ` + "`feedback`" + `.

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
	return b.String()
}
