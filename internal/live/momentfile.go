package live

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// A moment is kept as JSON in gzip, whose checksum covers it. Counts are arrays
// in the order of their types' members, cells are the differences of their
// indices without the digits that all of a resolution share, a layer that is
// empty is left out, and so is what regulators see if it is what all see.

const (
	momentVersion = 1
	maxMoment     = 64 << 20 // bytes of JSON
)

type (
	pilesShape    [7]int
	vehiclesShape [5]int
)

type momentShape struct {
	Version   int          `json:"v"`
	T         int64        `json:"t"`
	At        int64        `json:"at"`
	City      cityShape    `json:"city"`
	Operators []rowShape   `json:"operators"`
	Makers    []rowShape   `json:"makers"`
	Districts []rowShape   `json:"districts"`
	Heat      []layerShape `json:"heat"`
}

type cityShape struct {
	Vehicles  vehiclesShape `json:"vehicles"`
	Piles     pilesShape    `json:"piles"`
	Watts     int64         `json:"watts"`
	Stations  int           `json:"stations"`
	Operators int           `json:"operators"`
	Makers    int           `json:"makers"`
}

// rowShape is a row of an operator, a maker or a district.
type rowShape struct {
	Num      charge.Num     `json:"num,omitempty"`
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	NameEn   string         `json:"nameEn,omitempty"`
	Stations int            `json:"stations,omitempty"`
	Piles    *pilesShape    `json:"piles,omitempty"`
	Vehicles *vehiclesShape `json:"vehicles,omitempty"`
	Watts    int64          `json:"watts,omitempty"`
	Last     int64          `json:"last,omitempty"`
}

type layerShape struct {
	Res    int                `json:"res"`
	Cells  []uint64           `json:"cells"`
	Values map[string][]int64 `json:"values"`
	All    map[string][]int64 `json:"all,omitempty"`
}

func pilesToShape(c charge.PileCounts) pilesShape {
	return pilesShape{c.Total, c.Free, c.InUse, c.Charging, c.Reserved, c.Fault, c.Offline}
}

func (p *pilesShape) counts() charge.PileCounts {
	if p == nil {
		return charge.PileCounts{}
	}
	return charge.PileCounts{Total: p[0], Free: p[1], InUse: p[2], Charging: p[3], Reserved: p[4], Fault: p[5], Offline: p[6]}
}

func vehiclesToShape(c charge.VehicleCounts) vehiclesShape {
	return vehiclesShape{c.Total, c.Online, c.Driving, c.Charging, c.Alarm}
}

func (v *vehiclesShape) counts() charge.VehicleCounts {
	if v == nil {
		return charge.VehicleCounts{}
	}
	return charge.VehicleCounts{Total: v[0], Online: v[1], Driving: v[2], Charging: v[3], Alarm: v[4]}
}

// summedWatts undoes sum.powerKW.
func summedWatts(kw float64) int64 { return int64(math.Round(kw * 1000)) }

// cellShift is how far the digits that say something stand from the right.
func cellShift(res int) int { return 3 * (geo.MaxCellRes - res) }

// Encode returns m as it is kept.
func (m *Moment) Encode() ([]byte, error) {
	o := &m.Overview
	out := momentShape{
		Version: momentVersion, T: int64(m.T), At: int64(o.At),
		City: cityShape{vehiclesToShape(o.Vehicles), pilesToShape(o.Piles), summedWatts(o.PowerKW), o.Stations, o.Operators, o.Makers},
	}
	for _, r := range m.Operators {
		piles := pilesToShape(r.Piles)
		out.Operators = append(out.Operators, rowShape{Num: r.Num, ID: r.ID, Name: r.Name, NameEn: r.NameEn,
			Stations: r.Stations, Piles: &piles, Watts: summedWatts(r.PowerKW), Last: int64(r.LastReportAt)})
	}
	for _, r := range m.Makers {
		vehicles := vehiclesToShape(r.Vehicles)
		out.Makers = append(out.Makers, rowShape{Num: r.Num, ID: r.ID, Name: r.Name, NameEn: r.NameEn,
			Vehicles: &vehicles, Last: int64(r.LastReportAt)})
	}
	for _, r := range m.Districts {
		piles := pilesToShape(r.Piles)
		row := rowShape{ID: r.ID, Name: r.Name, NameEn: r.NameEn, Stations: r.Stations, Piles: &piles,
			Watts: summedWatts(r.PowerKW), Last: int64(r.LastReportAt)}
		if r.Vehicles != nil {
			vehicles := vehiclesToShape(*r.Vehicles)
			row.Vehicles = &vehicles
		}
		out.Districts = append(out.Districts, row)
	}
	for i := range m.heat {
		out.Heat = append(out.Heat, m.heat[i].shape(MinRes+i))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(out), z.Close()); err != nil {
		return nil, fmt.Errorf("cannot encode the moment %s: %w", m.T, err)
	}
	return b.Bytes(), nil
}

func (h *momentHeat) shape(res int) layerShape {
	out := layerShape{Res: res, Cells: make([]uint64, len(h.cells)), Values: map[string][]int64{}, All: map[string][]int64{}}
	before := uint64(0)
	for i, c := range h.cells {
		at := uint64(c) >> cellShift(res)
		out.Cells[i] = at - before
		before = at
	}
	for l := range layers {
		different, some := false, false
		for i, v := range h.values[l] {
			some = some || v != 0
			different = different || v != h.all[l][i]
		}
		if some {
			out.Values[l.String()] = h.values[l]
		}
		if different {
			out.All[l.String()] = h.all[l]
		}
	}
	return out
}

// errMoment means that bytes are no moment that we wrote.
var errMoment = errors.New("these are not the bytes of a moment")

// DecodeMoment reads what [Moment.Encode] wrote.
func DecodeMoment(b []byte) (*Moment, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMoment, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxMoment+1)) // to its end, where the checksum is
	if err == nil && len(text) > maxMoment {
		err = errors.New("it is too large")
	}
	var in momentShape
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errMoment, err)
	case in.Version != momentVersion:
		return nil, fmt.Errorf("%w: its form is %d, this program knows %d", errMoment, in.Version, momentVersion)
	}
	c := &in.City
	m := &Moment{T: charge.Millis(in.T), Overview: Overview{
		At: charge.Millis(in.At), Vehicles: c.Vehicles.counts(), Piles: c.Piles.counts(), PowerKW: float64(c.Watts) / 1000,
		Stations: c.Stations, Operators: c.Operators, Makers: c.Makers,
	}}
	for _, r := range in.Operators {
		m.Operators = append(m.Operators, OperatorRow{Num: r.Num, ID: r.ID, Name: r.Name, NameEn: r.NameEn,
			Stations: r.Stations, Piles: r.Piles.counts(), PowerKW: float64(r.Watts) / 1000, LastReportAt: charge.Millis(r.Last)})
	}
	for _, r := range in.Makers {
		m.Makers = append(m.Makers, MakerRow{Num: r.Num, ID: r.ID, Name: r.Name, NameEn: r.NameEn,
			Vehicles: r.Vehicles.counts(), LastReportAt: charge.Millis(r.Last)})
	}
	for _, r := range in.Districts {
		row := DistrictRow{ID: r.ID, Name: r.Name, NameEn: r.NameEn, Stations: r.Stations, Piles: r.Piles.counts(),
			PowerKW: float64(r.Watts) / 1000, LastReportAt: charge.Millis(r.Last)}
		if r.Vehicles != nil {
			v := r.Vehicles.counts()
			row.Vehicles = &v
		}
		m.Districts = append(m.Districts, row)
	}
	for _, l := range in.Heat {
		if l.Res < MinRes || l.Res > MomentRes {
			return nil, fmt.Errorf("%w: heat of resolution %d", errMoment, l.Res)
		}
		if m.heat[l.Res-MinRes], err = l.heat(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (s *layerShape) heat() (h momentHeat, err error) {
	shift := cellShift(s.Res)
	at := uint64(0)
	for i, step := range s.Cells {
		if i > 0 && step == 0 || at+step < at || (at+step)<<shift>>shift != at+step {
			return h, fmt.Errorf("%w: its cells do not rise", errMoment)
		}
		at += step
		c := geo.Cell(at<<shift | (1<<shift - 1))
		if c.Res() != s.Res {
			return h, fmt.Errorf("%w: %x is no cell of resolution %d", errMoment, uint64(c), s.Res)
		}
		h.cells = append(h.cells, c)
	}
	empty := make([]int64, len(h.cells))
	for l := range layers {
		h.values[l] = empty
		if v := s.Values[l.String()]; len(v) > 0 {
			h.values[l] = v
		}
		h.all[l] = h.values[l]
		if v := s.All[l.String()]; len(v) > 0 {
			h.all[l] = v
		}
		if len(h.values[l]) != len(h.cells) || len(h.all[l]) != len(h.cells) {
			return h, fmt.Errorf("%w: layer %s has not a value for each cell", errMoment, l)
		}
	}
	return h, nil
}
