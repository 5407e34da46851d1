package alarm

import (
	"fmt"
	"strings"
	"time"
)

// RulesMarkdown prints the table of rules as the page docs/alarms.md.
func RulesMarkdown() string {
	var b strings.Builder
	b.WriteString(`# 报警与事件 · Alarms and incidents

<!-- Printed from internal/alarm/table.go: go test ./internal/alarm -run TestRulesPage -update -->

`)
	b.WriteString(strings.TrimLeft(intro, "\n"))
	b.WriteString("\n| rule | severity | about | wrong for | right for | 名称 | name |\n|---|---|---|---|---|---|---|\n")
	for _, r := range table() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", r.ID, r.Severity, KindWord(r.Kind),
			span(r.RaiseAfter), span(r.ClearAfter), r.Name.Zh, r.Name.En)
	}
	for _, r := range table() {
		fmt.Fprintf(&b, "\n## `%s` %s · %s\n", r.ID, r.Name.Zh, r.Name.En)
		for _, row := range []struct {
			zh, en string
			w      Words
		}{{"触发", "Raised when", r.Raises}, {"解除", "Cleared when", r.Clears}, {"处置", "What to do", r.Do}} {
			fmt.Fprintf(&b, "- %s：%s。 %s: %s.\n", row.zh, row.w.Zh, row.en, row.w.En)
		}
	}
	return b.String()
}

func span(d time.Duration) string {
	switch {
	case d == 0:
		return "at once"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

const intro = `
What is wrong now, and what lately was: ` + "`GET /api/v1/alarms`" + `, the feed ` + "`alarms`" + `, and for good the table ` + "`alarms`" + ` of
registry.db. A look is taken every 5 s. What is wrong must stay so for the time in the table before it is raised, and must
be right for the other time before it is cleared, so that nothing flaps. How an open alarm is now (level, count) is
brought up to date at once when it becomes worse, else once a minute.

- **One of a kind.** Of one rule, party and object at most one alarm is open. Raising, updating, acknowledging and clearing
  are records of the log: a crash loses none and raises none twice, and every replica has the same ones at a revision.
- **Incidents stand for their parts.** A silent party is one alarm with the number of its objects, and its silent stations
  are none; open ones are cleared with the reason "part-of party.silent". Likewise a station in fault and its piles.
- **Our own absence is nobody's silence.** After a start, a pause of more than 30 s, a jump of the clock, a full spool or
  a lost outside broker everybody has one stale limit and 30 s before anybody is called silent.
- **Reasons of clearing:** ended (it is right again), gone (the object or its party is no longer there), forgotten (the
  object has been silent for 24 h), part-of and the rule of the incident that covers it.
- **Bounds.** At most 20,000 are open, and 5,000 of one party's objects; more are counted in ` + "`own.alarms`" + ` (1,000 more
  places are for incidents and our own parts). The 10,000 cleared last are in memory. At most 4,000 changes are made in one look.
- **Who sees what.** Regulators see everything. A party sees its own; a VIN is seen by regulators and its maker only.
  ` + "`own.…`" + ` is for regulators.
`
