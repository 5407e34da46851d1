package api

import (
	"slices"

	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// Where the parts of a station's text end (live.Text.Cuts). After the last one
// comes the position in GCJ-02, which stands instead of the one in WGS-84.
const (
	beforePosition = iota
	afterPosition
	afterHead  // what only a new description changes
	afterTerms // price and parking, and the name of the member that follows them
)

// writeStation appends what of STATION changes only with the operator's
// description or the price.
func writeStation(dst []byte, s *live.Site, t *live.Text) []byte {
	from := len(dst)
	w := jsonBuf{b: append(dst, `"id":`...)}
	cut := func(n int) { t.Cuts[n] = uint32(len(w.b) - from) }
	w.b = appendString(w.b, s.GlobalID)
	w.str("operator", s.Operator)
	w.str("name", s.Name)
	w.strOrNull("nameEn", s.NameEn)
	cut(beforePosition)
	w.position(s.Pos(), false)
	cut(afterPosition)
	w.str("access", s.Access.String())
	w.numIf(s.MaxKW > 0, "maxKw", s.MaxKW, 3)
	cut(afterHead)
	w.price(t.Price)
	w.parking(s.Parking)
	w.b = append(w.b, `,"updatedAt":`...)
	cut(afterTerms)
	p := geo.ToGCJ02(s.Pos())
	w.b = append(w.b, `,"lon":`...)
	w.b = appendFixed(w.b, p.Lon, 6)
	w.num("lat", p.Lat, 6)
	return w.b
}

// stationMembers appends STATION of the contract.
func (w *jsonBuf) stationMembers(f *live.Found, near, gcj bool) {
	t := f.Text
	if t == nil || t.Price != f.Price {
		t = f.Site.Write(f.Price, writeStation)
	}
	const rest = 256 // bytes that are not in t, at most
	w.b = slices.Grow(w.b, len(t.Bytes)+rest)
	b := appendHead(w.b, t, gcj)
	if near {
		b = append(b, `,"distanceM":`...)
		b = appendTenths(b, f.DistanceM)
	} else {
		b = append(b, `,"distanceM":null`...)
	}
	b = append(b, `,"piles":`...)
	b = appendCounts(b, f.Piles())
	b = append(b, `,"match":`...)
	b = appendCount(b, f.Match)
	b = append(b, t.Bytes[t.Cuts[afterHead]:t.Cuts[afterTerms]]...)
	if f.UpdatedAt == 0 {
		w.b = append(b, "null"...)
		return
	}
	b = append(b, '"')
	b = f.UpdatedAt.Append(b)
	w.b = append(b, '"')
}

// stationHead appends what changes only with the operator's description.
func (w *jsonBuf) stationHead(s *live.Site, gcj bool) {
	t := s.Text()
	if t == nil {
		t = s.Write(s.Price(), writeStation)
	}
	w.sep("")
	w.b = appendHead(w.b, t, gcj)
}

func appendHead(b []byte, t *live.Text, gcj bool) []byte {
	if !gcj {
		return append(b, t.Bytes[:t.Cuts[afterHead]]...)
	}
	b = append(b, t.Bytes[:t.Cuts[beforePosition]]...)
	b = append(b, t.Bytes[t.Cuts[afterTerms]:]...)
	return append(b, t.Bytes[t.Cuts[afterPosition]:t.Cuts[afterHead]]...)
}

// aheadOf is how many stations' texts are fetched side by side.
const aheadOf = 16

// ahead touches the texts that will be copied: asked for one step of all of
// them at a time, memory answers for all together instead of one after the other.
func (w *jsonBuf) ahead(found []live.Found) {
	var texts [aheadOf][]byte
	for i := range found {
		if t := found[i].Text; t != nil {
			texts[i] = t.Bytes
		}
	}
	const line = 64 // bytes of a cache line
	said := byte(0)
	for _, text := range texts[:len(found)] {
		for at := 0; at < len(text); at += line {
			said ^= text[at]
		}
	}
	w.touched ^= said
}
