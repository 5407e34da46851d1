package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// differences returns where live answers are not what the model says: counts of
// the city and of each party, every station with its piles, every pile and vehicle.
func (l *lane) differences(ctx context.Context) (out []string, asked int, err error) {
	now := time.Now()
	var o overview
	if err := l.get(ctx, "/api/v1/overview", &o); err != nil {
		return nil, 0, err
	}
	all := l.world.count(now, nil)
	out = append(all.differPiles("overview", o.Piles, o.PowerKW), all.differVehicles("overview", o.Vehicles)...)
	if o.Stations != all.stations {
		out = append(out, fmt.Sprintf("overview: %d stations, want %d", o.Stations, all.stations))
	}
	parties, err := l.partyDifferences(ctx, now)
	if err != nil {
		return nil, 0, err
	}
	out = append(out, parties...)
	asked = 3
	for _, s := range l.world.stations {
		d, err := l.stationDifferences(ctx, s)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, d...)
		asked++
		if len(out) > 40 {
			return out, asked, nil // enough to know that it is wrong
		}
	}
	for _, x := range l.world.objects {
		d, err := l.objectDifferences(ctx, x)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, d...)
		if asked++; len(out) > 40 {
			break
		}
	}
	return out, asked, nil
}

func (l *lane) partyDifferences(ctx context.Context, now time.Time) (out []string, err error) {
	var ops struct {
		Operators []struct {
			ID       string     `json:"id"`
			Stations int        `json:"stations"`
			Piles    pileCounts `json:"piles"`
			PowerKW  float64    `json:"powerKw"`
		} `json:"operators"`
	}
	var makers struct {
		Makers []struct {
			ID       string        `json:"id"`
			Vehicles vehicleCounts `json:"vehicles"`
		} `json:"makers"`
	}
	if err := l.get(ctx, "/api/v1/operators", &ops); err != nil {
		return nil, err
	}
	if err := l.get(ctx, "/api/v1/makers", &makers); err != nil {
		return nil, err
	}
	for _, p := range l.world.parties {
		t, found := l.world.count(now, p), false
		for _, x := range ops.Operators {
			if x.ID == p.slug {
				found = true
				out = append(out, t.differPiles(p.slug, x.Piles, x.PowerKW)...)
				if x.Stations != t.stations {
					out = append(out, fmt.Sprintf("%s: %d stations, want %d", p.slug, x.Stations, t.stations))
				}
			}
		}
		for _, x := range makers.Makers {
			if x.ID == p.slug {
				found = true
				out = append(out, t.differVehicles(p.slug, x.Vehicles)...)
			}
		}
		if !found {
			out = append(out, p.slug+" is in no list")
		}
	}
	return out, nil
}

// shown is what an answer says of a pile or vehicle.
type shown map[string]any

func (l *lane) stationDifferences(ctx context.Context, s *station) (out []string, err error) {
	var m struct {
		Station struct {
			Name     string  `json:"name"`
			PileList []shown `json:"pileList"`
		} `json:"station"`
	}
	gid := s.party.slug + ":" + s.id
	if err := l.get(ctx, "/api/v1/stations/"+gid, &m); err != nil {
		return nil, err
	}
	if m.Station.Name != s.name || len(m.Station.PileList) != len(s.piles) {
		return []string{fmt.Sprintf("station %s is %q with %d piles, want %q with %d", gid, m.Station.Name,
			len(m.Station.PileList), s.name, len(s.piles))}, nil
	}
	now := time.Now()
	for i, o := range s.piles {
		out = append(out, o.differ("station's pile", m.Station.PileList[i], now, []int{atStatus, atPower, atSOC})...)
	}
	return out, nil
}

// everything names all members of a kind.
func everything(m []member) (all []int) {
	for i := range m {
		all = append(all, i)
	}
	return all
}

func (l *lane) objectDifferences(ctx context.Context, o *object) ([]string, error) {
	var m struct {
		Pile    shown `json:"pile"`
		Vehicle shown `json:"vehicle"`
	}
	if o.station != nil {
		if err := l.get(ctx, "/api/v1/piles/"+o.global, &m); err != nil {
			return nil, err
		}
		return o.differ("pile", m.Pile, time.Now(), everything(o.members)), nil
	}
	if o.last == 0 {
		return nil, nil
	}
	if err := l.get(ctx, "/api/v1/vehicles/"+o.global, &m); err != nil {
		return nil, err
	}
	return o.differ("vehicle", m.Vehicle, time.Now(), everything(o.members)), nil
}

// differ compares an answer with what the object said last, member by member.
func (o *object) differ(what string, got shown, now time.Time, which []int) (out []string) {
	s := o.standing(now)
	wrong := func(name string, is, want any) {
		out = append(out, fmt.Sprintf("%s %s: %s is %v, want %v (its newest report is of %s)", what, o.global, name, is, want,
			time.UnixMilli(o.last).UTC().Format("15:04:05.000Z")))
	}
	if !s.unsure {
		if o.station != nil && got["state"] != s.state {
			wrong("state", got["state"], s.state)
		}
		if o.station == nil && got["online"] != s.fresh {
			wrong("online", got["online"], s.fresh)
		}
	}
	if s.ignored {
		return out
	}
	if o.last != 0 {
		at, _ := got["updatedAt"].(string)
		if t, err := time.Parse(time.RFC3339Nano, at); err != nil || t.UnixMilli() != o.last {
			wrong("updatedAt", at, time.UnixMilli(o.last).UTC().Format(time.RFC3339Nano))
			return out // the members are another report's
		}
	}
	for _, i := range which {
		m, is := o.members[i], got[o.members[i].name]
		switch v := is.(type) {
		case nil:
			if o.now.is(i) {
				wrong(m.name, "null", o.now.n[i])
			}
		case float64:
			if !o.now.is(i) || math.Abs(v-o.now.number(o.members, i)) > 1e-9 {
				wrong(m.name, v, o.now.number(o.members, i))
			}
		case string:
			if !m.text || !o.now.is(i) || v != o.now.textOf(o.members, i) {
				wrong(m.name, v, o.now.textOf(o.members, i))
			}
		}
	}
	return out
}
