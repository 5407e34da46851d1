package ingest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/tally"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// Bounds of what feedback shows of a rule.
const (
	maxSamples       = 20
	maxSamplePayload = 512
)

// sample is one report that met a rule, for its sender.
type sample struct {
	rule    charge.Rule
	action  charge.Action
	kind    charge.Payload
	id      string
	ts      charge.Millis
	detail  string
	payload string
}

type ruleCount struct {
	rule   charge.Rule
	action charge.Action
	count  uint32
}

// judge turns messages into records. It belongs to one goroutine.
type judge struct {
	cfg   Config
	deps  Deps
	index *index
	recent
	limits   quality.Limits
	decoder  *report.Decoder
	rec      record.Record
	findings quality.Findings
	unknown  vehicleEntry // of a VIN until it is registered
	looks    looks
	meetings quality.Meetings
	met      bool          // since the suspects were found
	counted  charge.Millis // when they were
	suspects atomic.Pointer[[]quality.Suspect]
	body     []byte
	rules    []ruleCount
	samples  []sample
	heard    map[heardKey]heard
	messages uint64         // judged so far
	round    *atomic.Uint64 // moves on when the accounts are said
	appended uint64         // last Seq that went to the spool
	foreign  *tally.Tally
	full     *tally.Tally
}

func newJudge(cfg Config, log *slog.Logger, deps Deps) *judge {
	cfg.withBounds()
	limits := quality.DefaultLimits()
	limits.StaleAfter, limits.TooOld = cfg.StaleAfter, cfg.TooOld
	limits.Province, limits.Water, limits.City = cfg.City.Province, cfg.City.Water, cfg.City
	return &judge{
		cfg: cfg, deps: deps,
		index:   newIndex(),
		recent:  newRecent(),
		decoder: report.NewDecoder(),
		heard:   map[heardKey]heard{},
		round:   new(atomic.Uint64),
		limits:  limits,
		foreign: tally.New(log, slog.LevelWarn, "parties publish what belongs to others"),
		full:    tally.New(log, slog.LevelError, "parties have as many objects as they may: unknown ids are rejected"),
	}
}

// message judges m and returns its record's body, valid until the next call,
// and the samples that its sender should see.
func (j *judge) message(m *door.Message) ([]byte, []sample) {
	j.rec.Reset()
	j.rules, j.samples = j.rules[:0], nil
	j.messages++
	r := &j.rec
	r.Kind, r.Received, r.Party, r.Payload = record.Message, m.Received, m.Party, m.Kind

	var whole *charge.Finding
	switch m.Kind {
	case charge.Piles:
		whole = j.piles(m)
	case charge.Vehicles:
		whole = j.vehicles(m)
	case charge.Stations:
		whole = j.stations(m)
	case charge.Fleet:
		whole = j.fleet(m)
	case charge.Sessions:
		whole = j.sessions(m)
	}
	j.suspect(m.Received)
	if whole != nil {
		j.count(charge.Rejected, m.Kind, "", 0, m.Payload, []charge.Finding{*whole})
	}
	for _, c := range j.rules {
		r.Rules = append(r.Rules, record.RuleCount{Rule: c.rule, Action: c.action, Count: c.count})
	}
	j.body = r.Append(j.body[:0])
	return j.body, j.samples
}

// count books one report's verdict and what its rules found.
func (j *judge) count(v charge.Verdict, kind charge.Payload, id string, ts charge.Millis, raw []byte,
	found []charge.Finding) {
	j.rec.Account.Count(v, 1)
	for i := range found {
		f := &found[i]
		j.countRule(f.Rule, f.Action)
		if !j.wanted(f) {
			continue
		}
		j.samples = append(j.samples, sample{
			rule: f.Rule, action: f.Action, kind: kind,
			id: strings.Clone(id), ts: ts, detail: f.Text(),
			payload: cut(raw),
		})
	}
}

// heard says how many samples of a rule a party's next account will have.
type heard struct {
	round   uint64 // the account's
	samples int
	message uint64 // that had one last
}

// wanted reports whether the party's next account has room for one more sample of
// f's rule: in a flood of bad reports, only some need a sentence and a copy. One
// of each message is wanted in any case: what is on its way to the disk while an
// account is said may be all that the account after it tells of.
func (j *judge) wanted(f *charge.Finding) bool {
	k := heardKey{j.rec.Party, f.Rule, f.Action}
	h, now := j.heard[k], j.round.Load()
	if h.round != now {
		h.round, h.samples = now, 0
	}
	h.samples++
	wanted := h.samples <= maxSamples || h.message != j.messages
	h.message = j.messages
	j.heard[k] = h
	return wanted
}

type heardKey struct {
	party  charge.Num
	rule   charge.Rule
	action charge.Action
}

// cut returns at most 512 bytes of raw, whole characters, as valid UTF-8.
func cut(raw []byte) string {
	if len(raw) > maxSamplePayload {
		n := maxSamplePayload
		for n > 0 && n > maxSamplePayload-4 && raw[n]&0xC0 == 0x80 {
			n--
		}
		raw = raw[:n]
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

func (j *judge) countRule(rule charge.Rule, action charge.Action) {
	for i := range j.rules {
		if c := &j.rules[i]; c.rule == rule && c.action == action {
			c.count++
			return
		}
	}
	j.rules = append(j.rules, ruleCount{rule, action, 1})
}

// owned rejects what belongs to another maker. It goes to the log, too: it may
// be a mistake, or somebody who tries.
func (j *judge) owned(m *door.Message, vin string, ts charge.Millis, raw []byte, found []charge.Finding) {
	j.reject(m.Kind, vin, ts, raw, found, charge.RuleOwnerMismatch, "vehicle %s belongs to another maker", vin)
	j.foreign.Add(fmt.Errorf("party number %d sent %s of a vehicle that is not its own", m.Party, m.Kind))
}

// reject books a report that cannot be taken for one reason more than the
// decoder's.
func (j *judge) reject(kind charge.Payload, id string, ts charge.Millis, raw []byte, found []charge.Finding,
	rule charge.Rule, format string, args ...any) {
	found = append(found, charge.Finding{Rule: rule, Action: charge.ActReject, Detail: fmt.Sprintf(format, args...)})
	j.count(charge.Rejected, kind, id, ts, raw, found)
}
