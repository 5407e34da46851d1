package quality

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// model remembers everything and decides the plain way.
type model struct {
	last    charge.Millis
	lastRcv charge.Millis
	value   map[charge.Millis]float64 // of the newest taken report at each ts
	recent  []step                    // kept ones, oldest first
}

// order is ts for a clock that is right within a minute, else our own time.
func order(ts, at charge.Millis) charge.Millis {
	if ts > at+minute {
		return at
	}
	return ts
}

func (m *model) judge(ts, at charge.Millis, kw float64) charge.Verdict {
	keep := func(v charge.Verdict) charge.Verdict {
		m.recent = append(m.recent, step{ts: ts, kw: kw})
		m.recent = m.recent[max(0, len(m.recent)-16):]
		return v
	}
	if ts > at+5*minute || ts < at-71*60*minute {
		return charge.Rejected
	}
	for _, r := range m.recent {
		if r.ts == ts && r.kw == kw {
			return charge.Duplicate
		}
	}
	if len(m.value) > 0 && ts == m.last {
		return charge.Duplicate
	}
	if len(m.value) > 0 && ts < m.last && order(ts, at) <= order(m.last, m.lastRcv) || ts < at-5*minute {
		return keep(charge.Late)
	}
	m.last, m.lastRcv = ts, at
	m.value[ts] = kw
	return keep(charge.Taken)
}

func TestVerdictsAreThoseOfAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[charge.Verdict]int{}
	for object := range 3000 {
		m := model{value: map[charge.Millis]float64{}}
		var pile, replayed PileMemory
		var car, carReplayed VehicleMemory
		at := noon
		var sent []charge.Millis
		for i := range 60 {
			at += charge.Millis(r.IntN(3) * r.IntN(40000))
			ts := at + charge.Millis(r.IntN(2000)-1000)
			switch r.IntN(12) {
			case 0:
				ts = at - charge.Millis(r.IntN(1200000))
			case 1:
				ts = at + charge.Millis(r.IntN(400000))
			case 2, 3, 4:
				if len(sent) > 0 {
					ts = sent[max(0, len(sent)-1-r.IntN(20))]
				}
			case 5:
				ts = at - charge.Millis(r.IntN(300*3600*1000))
			}
			sent = append(sent, ts)
			kw := float64(r.IntN(2))
			want := m.judge(ts, at, kw)
			seen[want]++
			var f Findings
			p := charge.PileReport{ID: "p", TS: ts, Status: charge.StatusOffline, Has: charge.HasPower,
				PowerKW: kw}
			v := charge.VehicleReport{VIN: vin, TS: ts, Has: charge.HasSpeed, SpeedKMH: kw}
			if got := JudgePile(&pile, &p, PileFacts{}, at, limits(), &f); got != want {
				t.Fatalf("object %d, report %d: verdict %d, the model says %d (%s)", object, i, got, want, words(f))
			}
			if got, _ := JudgeVehicle(&car, &v, VehicleFacts{}, at, limits(), &f); got != want {
				t.Fatalf("object %d, vehicle report %d: verdict %d, the model says %d", object, i, got, want)
			}
			replayed.Remember(&p, want, at, limits())
			carReplayed.Remember(&v, want, at, limits())
			if replayed != pile || carReplayed != car {
				t.Fatalf("object %d, report %d: replay gives another memory", object, i)
			}
		}
		checkSnapshot(t, &pile, &car)
	}
	for v := charge.Taken; v <= charge.Rejected; v++ {
		if seen[v] < 1000 {
			t.Fatalf("verdict %d came only %d times", v, seen[v])
		}
	}
}

func checkSnapshot(t *testing.T, pile *PileMemory, car *VehicleMemory) {
	t.Helper()
	var p PileMemory
	var c VehicleMemory
	b := car.Append(pile.Append(nil))
	rest, err := p.Decode(b)
	if err != nil || p != *pile {
		t.Fatalf("pile memory came back as %+v, %v; was %+v", p, err, *pile)
	}
	if rest, err = c.Decode(rest); err != nil || len(rest) > 0 || c != *car {
		t.Fatalf("vehicle memory came back as %+v, %v; was %+v", c, err, *car)
	}
}

func FuzzMemory(f *testing.F) {
	var m PileMemory
	f.Add(m.Append(nil))
	m.keep(noon, 7, charge.Taken, noon)
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again PileMemory
		if _, err := m.Decode(b); err != nil {
			return
		}
		if rest, err := again.Decode(m.Append(nil)); err != nil || len(rest) != 0 || !bytes.Equal(again.Append(nil),
			m.Append(nil)) {
			t.Fatalf("%+v came back as %+v, %v", m, again, err)
		}
		for i := range 40 {
			r := charge.PileReport{ID: "p", TS: noon + charge.Millis(i), Status: charge.Status(i)}
			JudgePile(&m, &r, PileFacts{}, noon, limits(), new(Findings))
		}
	})
}
