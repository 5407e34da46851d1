package live

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// snapshotVersion changes when an older program could not read what we write.
const snapshotVersion = 1

// Names of sections; the last three are followed by a number.
const (
	sectionHead     = "head"
	sectionStations = "stations/"
	sectionPiles    = "piles/"
	sectionVehicles = "vehicles/"
)

// head is the first section: the clock, the parties, and what is accumulated.
type head struct {
	Version   int
	Rev       uint64
	AtMS      int64
	City      headSum
	Districts map[string]headSum
	Parties   []headParty
}

type headSum struct{ EnergyWms, Taken, LastMS int64 }

type headParty struct {
	Num           charge.Num
	Slug          string
	Kind          charge.PartyKind
	Name, NameEn  string
	Removed, Gone bool
	Sum           headSum
}

func (u *sum) head() headSum { return headSum{u.energyWms, u.taken, int64(u.last)} }

func (u *sum) load(h headSum) {
	u.energyWms, u.taken, u.last = h.EnergyWms, h.Taken, charge.Millis(h.LastMS)
}

// Snapshot hands out the whole state in sections of about 4,096 objects, each
// with the seq of the newest record that it holds. body is valid until section
// returns. Between sections the caller may apply records and tick, inside
// section or in step; the sections then hold different records, which
// [State.LoadSection] and [State.Apply] sort out. Writer's side.
func (s *State) Snapshot(section func(name string, seq uint64, body []byte) error, step func()) error {
	// Stations never change, so their list is of one moment, and so are the sums.
	seq := s.applied
	body, err := json.Marshal(s.head())
	if err != nil {
		return fmt.Errorf("cannot write the snapshot's head: %w", err)
	}
	var sites []*Site
	for n := charge.Num(1); n < s.stations.end.Load(); n++ {
		if site := s.site(n); site != nil {
			sites = append(sites, site)
		}
	}
	if err := section(sectionHead, seq, body); err != nil {
		return err
	}
	step()
	w := &sectionWriter{}
	for i := 0; len(sites) > 0; i++ {
		sites = w.stations(sites)
		if err := section(fmt.Sprint(sectionStations, i), seq, w.body()); err != nil {
			return err
		}
		step()
	}
	for i := 0; i < s.piles.chunkCount(); i++ {
		if w.piles(s, i) {
			if err := section(fmt.Sprint(sectionPiles, i), s.applied, w.body()); err != nil {
				return err
			}
		}
		step()
	}
	for i := 0; i < s.vehicles.chunkCount(); i++ {
		if w.vehicles(s, i) {
			if err := section(fmt.Sprint(sectionVehicles, i), s.applied, w.body()); err != nil {
				return err
			}
		}
		step()
	}
	return nil
}

func (s *State) head() *head {
	h := &head{
		Version: snapshotVersion, Rev: s.view.rev, AtMS: s.at.Load(),
		City: s.city.head(), Districts: map[string]headSum{},
	}
	for i, id := range s.districts {
		h.Districts[id] = s.byPlace[i].head()
	}
	for _, p := range s.parties.Load().byNum {
		if p != nil {
			i := p.info.Load()
			h.Parties = append(h.Parties, headParty{
				Num: p.num, Slug: i.Slug, Kind: i.Kind, Name: i.Name, NameEn: i.NameEn,
				Removed: i.Removed, Gone: p.gone, Sum: p.sum.head(),
			})
		}
	}
	return h
}

// sectionWriter makes bodies: a record, as in the log, and behind it what a
// record does not say of each object.
type sectionWriter struct {
	rec   record.Record
	extra []byte
	out   []byte
}

func (w *sectionWriter) reset() {
	w.rec.Reset()
	w.rec.Kind = record.Message
	w.extra = w.extra[:0]
}

func (w *sectionWriter) body() []byte {
	b := append(w.out[:0], make([]byte, 4)...)
	b = w.rec.Append(b)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	w.out = append(b, w.extra...)
	return w.out
}

// stations takes the first stations, up to 4,096 objects, and returns the rest.
func (w *sectionWriter) stations(sites []*Site) []*Site {
	w.reset()
	for n := 0; len(sites) > 0 && n < chunkSize; sites = sites[1:] {
		w.rec.Stations = append(w.rec.Stations, record.StationPut{Station: sites[0].Station})
		n += 1 + len(sites[0].Piles)
	}
	return sites
}

// piles takes chunk i of the piles that have reported.
func (w *sectionWriter) piles(s *State, i int) bool {
	w.reset()
	for n := charge.Num(i << chunkBits); n < charge.Num(i+1)<<chunkBits; n++ {
		p := s.piles.at(n)
		if p == nil || p.ts == 0 {
			continue
		}
		w.rec.Piles = append(w.rec.Piles, record.PileItem{
			Num: n, Verdict: charge.Taken, Flagged: p.flagged, Report: p.report(),
		})
		w.rec.Received = max(w.rec.Received, p.received)
		w.extra = binary.AppendVarint(w.extra, int64(p.received))
	}
	return true
}

// vehicles takes chunk i of the vehicles.
func (w *sectionWriter) vehicles(s *State, i int) bool {
	w.reset()
	for n := charge.Num(i << chunkBits); n < charge.Num(i+1)<<chunkBits; n++ {
		v := s.vehicles.at(n)
		if v == nil || v.party == nil {
			continue
		}
		view := v.view(n)
		w.rec.Vehicles = append(w.rec.Vehicles, view.Vehicle)
		if v.ts == 0 {
			continue
		}
		w.rec.Fleet = append(w.rec.Fleet, record.VehicleItem{
			Num: n, Verdict: charge.Taken, Flagged: v.flagged, OffMap: v.offMap, Report: view.Report,
		})
		w.rec.Received = max(w.rec.Received, v.received)
		w.extra = binary.AppendVarint(w.extra, int64(v.received))
		w.extra = append(w.extra, v.place)
	}
	return true
}
