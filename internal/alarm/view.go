package alarm

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// View is a book at a revision. It never changes.
type View struct {
	Rev     uint64
	At      charge.Millis
	Seq     uint64 // last record of the log in it
	Version uint64 // changes when an alarm does
	list    *list
}

// list is the alarms of views between which nothing changed.
type list struct {
	open   []*Alarm // in no order
	recent []*Alarm // cleared, newest last

	once    sync.Once
	ordered []*Alarm
	byID    map[uint64]*Alarm

	past [2]struct { // by Which: Recent and All
		once    sync.Once
		ordered []*Alarm
	}
}

var none = &list{}

func (v *View) alarms() *list {
	if v.list == nil {
		return none
	}
	return v.list
}

// sort makes the order of what is open when somebody first wants it.
func (l *list) sort() *list {
	l.once.Do(func() {
		l.ordered = slices.Clone(l.open)
		slices.SortFunc(l.ordered, (*Alarm).worse)
		l.byID = make(map[uint64]*Alarm, len(l.open))
		for _, a := range l.open {
			l.byID[a.ID] = a
		}
	})
	return l
}

// Open returns what is open, the worst first, then the newest. It must not be changed.
func (v *View) Open() []*Alarm { return v.alarms().sort().ordered }

// Find returns an alarm, open or lately cleared; nil for none.
func (v *View) Find(id uint64) *Alarm {
	l := v.alarms().sort()
	if a := l.byID[id]; a != nil {
		return a
	}
	for i := len(l.recent) - 1; i >= 0; i-- {
		if l.recent[i].ID == id {
			return l.recent[i]
		}
	}
	return nil
}

// Which alarms a [Query] asks for, and in which order.
type Which uint8

// What may be asked for.
const (
	IsOpen Which = iota // open ones, the worst first, then the newest
	Recent              // those cleared last, the newest first
	All                 // both, and all that were kept; the newest raised first
)

// Query asks for alarms. The zero value of a filter lets everything pass.
type Query struct {
	Which    Which
	Rule     string
	Severity Severity
	Party    charge.Num
	OnlyOf   bool          // Party is a filter; 0 is then the platform itself
	From, To charge.Millis // From ≤ raised < To; To 0 is no bound
	Limit    int
	After    Cursor
}

// Cursor is where an answer ended; the zero value is the beginning, and the end.
type Cursor struct {
	Which Which
	Order uint64 // what the order is by, before the id
	Then  uint64
	ID    uint64
}

// IsZero reports whether c is the beginning or the end.
func (c Cursor) IsZero() bool { return c.ID == 0 }

// String returns c in a form for URLs, "" for the zero value.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	parts := []string{strconv.Itoa(int(c.Which))}
	for _, n := range [...]uint64{c.Order, c.Then, c.ID} {
		parts = append(parts, strconv.FormatUint(n, 36))
	}
	return strings.Join(parts, ".")
}

// ParseCursor reads what [Cursor.String] wrote for a query of the same kind.
func ParseCursor(s string, which Which) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	bad := charge.Errorf(charge.ValueRange, "cursor is not one that an answer to such a question gave")
	parts := strings.Split(s, ".")
	if len(parts) != 4 || parts[0] != strconv.Itoa(int(which)) {
		return Cursor{}, bad
	}
	c := Cursor{Which: which}
	for i, to := range [...]*uint64{&c.Order, &c.Then, &c.ID} {
		n, err := strconv.ParseUint(parts[i+1], 36, 64)
		if err != nil {
			return Cursor{}, bad
		}
		*to = n
	}
	if c.IsZero() {
		return Cursor{}, bad
	}
	return c, nil
}

// At returns the cursor that goes on behind a.
func (q *Query) At(a *Alarm) Cursor {
	switch q.Which {
	case IsOpen:
		return Cursor{q.Which, a.rank(), uint64(a.Raised), a.ID}
	case Recent:
		return Cursor{q.Which, uint64(a.Cleared), 0, a.ID}
	}
	return Cursor{q.Which, a.ID, 0, a.ID}
}

// behind reports whether a stands after the cursor; all orders fall.
func (q *Query) behind(a *Alarm) bool {
	c := q.After
	if c.IsZero() {
		return true
	}
	x := q.At(a)
	if x.Order != c.Order {
		return x.Order < c.Order
	}
	if x.Then != c.Then {
		return x.Then < c.Then
	}
	return x.ID < c.ID
}

// Passes reports whether a is one of those asked for, but for Which and After.
func (q *Query) Passes(a *Alarm) bool {
	return (q.Rule == "" || a.Rule == q.Rule) && (q.Severity == 0 || a.Severity == q.Severity) &&
		(!q.OnlyOf || a.Party == q.Party) && a.Raised >= q.From && (q.To == 0 || a.Raised < q.To)
}

// Page returns at most q.Limit alarms behind q.After, and whether there are more.
func (v *View) Page(q *Query) (page []*Alarm, more bool) {
	for _, a := range v.ordered(q) {
		if !q.Passes(a) || !q.behind(a) {
			continue
		}
		if len(page) == q.Limit {
			return page, true
		}
		page = append(page, a)
	}
	return page, false
}

// Merge joins two lists of [All], each the newest first; of an alarm in both the
// first list's is taken.
func Merge(a, b []*Alarm) []*Alarm {
	out := make([]*Alarm, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].ID > b[0].ID:
			out, a = append(out, a[0]), a[1:]
		case a[0].ID < b[0].ID:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// ordered returns all alarms of q.Which in their order, which is made when
// somebody first wants it: pages of a view are asked for again and again.
func (v *View) ordered(q *Query) []*Alarm {
	if q.Which == IsOpen {
		return v.Open()
	}
	l := v.alarms()
	p := &l.past[q.Which-Recent]
	p.once.Do(func() {
		p.ordered = slices.Clone(l.recent)
		if q.Which == All {
			p.ordered = append(p.ordered, l.open...)
		}
		slices.SortFunc(p.ordered, func(a, b *Alarm) int {
			x, y := q.At(a), q.At(b)
			if x.Order != y.Order {
				return compare(y.Order, x.Order)
			}
			return compare(b.ID, a.ID)
		})
	})
	return p.ordered
}

// Counts is how many alarms are open.
type Counts struct {
	Open, Acked int // of all; Acked is a part of Open
	Severity    [Critical + 1]int
	Rule        map[string]int
}

// Count counts what is open and may be seen.
func (v *View) Count(sees func(*Alarm) bool) Counts {
	c := Counts{Rule: map[string]int{}}
	for _, a := range v.alarms().open {
		if !sees(a) {
			continue
		}
		c.Open++
		if a.Acked != 0 {
			c.Acked++
		}
		if a.Severity <= Critical {
			c.Severity[a.Severity]++
		}
		c.Rule[a.Rule]++
	}
	return c
}
