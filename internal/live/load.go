package live

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

var errSection = errors.New("it is damaged")

// LoadSection takes in one section of a snapshot, in the order in which
// [State.Snapshot] made them: the first empties the state (but keeps parties
// that SetParties told of). Then Apply may get the records from the least
// section's seq on, those that the sections hold already included. Writer's
// side, before there are readers.
func (s *State) LoadSection(name string, seq uint64, body []byte) error {
	kind, number := name, ""
	if i := strings.IndexByte(name, '/'); i >= 0 {
		kind, number = name[:i+1], name[i+1:]
	}
	var err error
	switch kind {
	case sectionHead:
		err = s.loadHead(seq, body)
	case sectionStations:
		err = s.loadStations(body)
	case sectionPiles:
		err = s.loadPiles(number, seq, body)
	case sectionVehicles:
		err = s.loadVehicles(number, seq, body)
	default:
		err = errors.New("it is of no known kind")
	}
	if err != nil {
		return fmt.Errorf("cannot load section %q of the snapshot: %w", name, err)
	}
	s.loaded.max = max(s.loaded.max, seq)
	s.applied = max(s.applied, seq)
	return nil
}

func (s *State) loadHead(seq uint64, body []byte) error {
	var h head
	if err := json.Unmarshal(body, &h); err != nil {
		return err
	}
	if h.Version != snapshotVersion {
		return fmt.Errorf("its version is %d, not %d", h.Version, snapshotVersion)
	}
	s.LoadCatalog(nil, nil)
	s.loaded.stations, s.loaded.sums = seq, seq
	s.at.Store(h.AtMS)
	s.view.rev, s.view.at = h.Rev, s.now()
	s.setMinute(s.now())
	s.city.load(h.City)
	for id, u := range h.Districts {
		if place, ok := s.district[id]; ok {
			s.byPlace[place].load(u)
		}
	}
	for _, q := range h.Parties {
		p := s.party(q.Num)
		if p == nil {
			return errSection
		}
		p.sum.load(q.Sum)
		p.gone = q.Gone
		if p.slug() == "" && q.Slug != "" {
			s.addParty(charge.Party{
				Num: q.Num, Slug: q.Slug, Kind: q.Kind, Name: q.Name, NameEn: q.NameEn, Removed: q.Removed,
			})
		}
	}
	return nil
}

// split takes a body apart into its record and what stands behind it.
func split(body []byte, rec *record.Record) (extra []byte, err error) {
	if len(body) < 4 {
		return nil, errSection
	}
	n := uint64(binary.LittleEndian.Uint32(body))
	if n > uint64(len(body)-4) {
		return nil, errSection
	}
	return body[4+n:], rec.Decode(body[4 : 4+n])
}

func (s *State) loadStations(body []byte) error {
	var rec record.Record
	if _, err := split(body, &rec); err != nil {
		return err
	}
	for i := range rec.Stations {
		s.putStation(&rec.Stations[i].Station)
	}
	return nil
}

// hold notes that chunk number of a kind holds the records up to seq.
func hold(seqs *[]uint64, number string, seq uint64) (chunk charge.Num, err error) {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= maxNum/chunkSize {
		return 0, errSection
	}
	for len(*seqs) <= i {
		*seqs = append(*seqs, 0)
	}
	(*seqs)[i] = seq
	return charge.Num(i), nil
}

func (s *State) loadPiles(number string, seq uint64, body []byte) error {
	var rec record.Record
	extra, err := split(body, &rec)
	if err != nil {
		return err
	}
	chunk, err := hold(&s.loaded.piles, number, seq)
	if err != nil {
		return err
	}
	for i := range rec.Piles {
		it := &rec.Piles[i]
		received, n := binary.Varint(extra)
		if n <= 0 || it.Num>>chunkBits != chunk {
			return errSection
		}
		extra = extra[n:]
		if p := s.piles.grow(it.Num); p != nil {
			s.setPile(it, p, charge.Millis(received))
		}
	}
	return nil
}

func (s *State) loadVehicles(number string, seq uint64, body []byte) error {
	var rec record.Record
	extra, err := split(body, &rec)
	if err != nil {
		return err
	}
	chunk, err := hold(&s.loaded.vehicles, number, seq)
	if err != nil {
		return err
	}
	for i := range rec.Vehicles {
		if rec.Vehicles[i].Num>>chunkBits != chunk {
			return errSection
		}
		s.putVehicle(&rec.Vehicles[i])
	}
	for i := range rec.Fleet {
		it := &rec.Fleet[i]
		received, n := binary.Varint(extra)
		if n <= 0 || n >= len(extra) || int(extra[n]) >= len(s.districts) {
			return errSection
		}
		v := s.vehicles.at(it.Num)
		if v == nil || v.party == nil {
			return errSection
		}
		s.setReport(it, v, charge.Millis(received), extra[n])
		extra = extra[n+1:]
	}
	return nil
}
