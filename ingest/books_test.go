package ingest

import (
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// sessionBooks is what the registry kept of sessions.
type sessionBooks map[string]charge.Session

func (b sessionBooks) Session(party charge.Num, id string) (charge.Session, bool, error) {
	s, ok := b[fmt.Sprint(party, id)]
	return s, ok, nil
}

// books stand in for the registry.
type books struct {
	x   *index
	acc *account.Book
}

func (b *books) apply(rec *record.Record) {
	b.x.applyCatalog(rec, true)
	b.acc.Apply(rec)
}

func (b *books) catalog(position uint64, least Catalog) Catalog {
	all, _ := b.acc.Totals()
	c := Catalog{
		Position: position, Accounts: all, NextStation: max(b.x.nextStation, least.NextStation),
		NextPile: max(b.x.nextPile, least.NextPile), NextVehicle: max(b.x.nextVehicle, least.NextVehicle),
	}
	for _, byID := range b.x.stations {
		for _, s := range byID {
			c.Stations = append(c.Stations, cloneStation(*s))
		}
	}
	for _, n := range b.x.vehicles {
		c.Vehicles = append(c.Vehicles, b.x.vehicle[n].master)
	}
	return c
}

// booksAt is what a registry would hold after the first records, up to position.
func booksAt(records []*record.Record, position uint64, least Catalog) Catalog {
	b := &books{x: newIndex(), acc: account.New()}
	for _, rec := range records {
		if rec.Seq <= position {
			b.apply(rec)
		}
	}
	return b.catalog(position, least)
}

// booksFrom moves what the registry holds on to position.
func (r *rig) booksFrom(old Catalog, position uint64, start Catalog) Catalog {
	b := &books{x: newIndex(), acc: account.New()}
	b.acc.Start(old.Accounts, old.Position)
	for _, s := range old.Stations {
		b.x.putStation(s)
	}
	for _, v := range old.Vehicles {
		b.x.putVehicle(v)
	}
	for _, rec := range r.records() {
		if rec.Seq > old.Position && rec.Seq <= position {
			b.apply(rec)
			for _, s := range rec.Sessions {
				r.kept[fmt.Sprint(s.Party, s.ID)] = s
			}
		}
	}
	return b.catalog(position, Catalog{
		NextStation: old.NextStation, NextPile: max(old.NextPile, start.NextPile),
		NextVehicle: max(old.NextVehicle, start.NextVehicle),
	})
}
