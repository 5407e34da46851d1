package main

import (
	"context"
	"errors"

	"github.com/dianchi-platform/dianchi/ingest"
	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/registry"
	judged "github.com/dianchi-platform/dianchi/internal/tail"
)

// passwords lets the door ask the directory.
type passwords struct{ *auth.Directory }

var errPassword = errors.New("user name or password is wrong")

func (p passwords) CheckPassword(slug, password string) (charge.Party, error) {
	party, ok := p.Directory.CheckPassword(context.Background(), slug, password)
	if !ok {
		return charge.Party{}, errPassword
	}
	return party, nil
}

// sessionLookup finds sessions that the judge no longer remembers.
type sessionLookup struct{ *registry.Registry }

func (s sessionLookup) Session(party charge.Num, id string) (charge.Session, bool, error) {
	return s.Registry.Session(context.Background(), party, id)
}

// alarms lets the API see the pipeline's book.
type alarms struct {
	*ingest.Pipeline
	registry *registry.Registry
}

func (a alarms) View() *alarm.View { return a.Pipeline.Alarms() }

func (a alarms) Ack(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	return a.Pipeline.AckAlarm(ctx, id, by, note)
}

func (a alarms) Past(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	return a.registry.PastAlarms(ctx, q)
}

// ownAlarms is alarms for replicas, which are served from before there is a pipeline.
type ownAlarms struct{ *core }

func (o ownAlarms) Ack(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	return o.pipeline.AckAlarm(ctx, id, by, note)
}

func (o ownAlarms) Past(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	return o.registry.PastAlarms(ctx, q)
}

// ownTail answers replicas from a pipeline that is made after what serves them.
type ownTail struct{ *core }

func (o ownTail) Messages(ctx context.Context, party charge.Num, after uint64) ([]judged.Message, error) {
	return o.pipeline.Tail().Messages(ctx, party, after)
}

func (o ownTail) Met(ctx context.Context, party charge.Num) ([]judged.Met, error) {
	return o.pipeline.Tail().Met(ctx, party)
}

func toCatalog(c *registry.Catalog) ingest.Catalog {
	out := ingest.Catalog{
		Stations: c.Stations, Vehicles: c.Vehicles, Position: c.Position, Alarms: c.Alarms,
		NextStation: c.Marks.Station + 1, NextPile: c.Marks.Pile + 1, NextVehicle: c.Marks.Vehicle + 1,
	}
	for _, a := range c.Accounts {
		out.Accounts = append(out.Accounts, toTotal(&a))
	}
	return out
}

func toTotal(a *registry.Account) account.Total {
	t := account.Total{Party: a.Party, Counts: a.Counts, Last: a.Last}
	for _, r := range a.Rules {
		t.Rules = append(t.Rules, account.RuleCount(r))
	}
	return t
}
