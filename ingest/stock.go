package ingest

import (
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// maxStations is how many stations an operator may have, and a quarter of how
// many it may make between two starts of the platform, with those that it takes
// away again: each keeps its number.
const maxStations = 50_000

// A party's objects have a bound, so that one that makes up an id for each
// report does not fill memory, registry and snapshots for good: beyond it,
// unknown ids are rejected as id.unknown, and those that are known go on.

// crowded says why a maker may not have one more vehicle; "" when it may.
func (j *judge) crowded(party charge.Num) string {
	if n := j.index.fleet[party]; n >= j.cfg.PartyObjects {
		why := fmt.Sprintf("it is not registered, and %d are as many vehicles as you may have: ask the platform", n)
		j.full.Add(fmt.Errorf("party number %d has %d vehicles", party, n))
		return why
	}
	return ""
}

// overcrowded says why an operator may not have a station with these piles, of
// which those without a number are new; "" when it may.
func (j *judge) overcrowded(st *charge.Station, known bool) string {
	x := j.index
	stations, made := len(x.stations[st.Party]), x.made[st.Party]
	if !known && (stations >= maxStations || made >= 4*maxStations) {
		j.full.Add(fmt.Errorf("party number %d has %d stations and made %d", st.Party, stations, made))
		return fmt.Sprintf("it is new, and you have %d stations of %d that you may have, and made %d since the start: "+
			"ask the platform", stations, maxStations, made)
	}
	piles := len(x.piles[st.Party])
	more := 0
	for i := range st.Piles {
		if st.Piles[i].Num == 0 {
			more++
		}
	}
	if more > 0 && piles+more > j.cfg.PartyObjects {
		j.full.Add(fmt.Errorf("party number %d has used %d ids of piles", st.Party, piles))
		return fmt.Sprintf("it has %d new piles, and you have used %d ids of %d that you may: ask the platform",
			more, piles, j.cfg.PartyObjects)
	}
	return ""
}
