package live

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// told is what a test's writer tells of a station with a price.
func told(s *Site, p any) string { return fmt.Sprintf("%s %s %p", s.GlobalID, s.Name, p) }

// TestTexts: what is kept of a station is what its writer would tell now, it is
// written once, and those of neighbours stand side by side.
func TestTexts(t *testing.T) {
	l := &log{s: testState()}
	written := 0
	write := func(dst []byte, s *Site, x *Text) []byte {
		written++
		x.Cuts[0] = uint32(s.Num)
		return append(dst, told(s, x.Price)...)
	}
	const stations = 2*textsTogether + 10
	put := func(n charge.Num, tariff int64) {
		st := station(n, 1, geo.Point{Lon: center.Lon + float64(n)*1e-6, Lat: center.Lat}, n)
		st.Tariffs = []charge.Tariff{{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: tariff}}}}
		l.put(st)
	}
	for n := charge.Num(1); n <= stations; n++ {
		put(n, 5000)
	}
	ask := func(want int) {
		t.Helper()
		written = 0
		found, _ := l.s.Stations(Query{Near: &center, RadiusM: 5000, Limit: stations}, nil)
		if len(found) != stations {
			t.Fatalf("%d stations", len(found))
		}
		for i := range found {
			f := &found[i]
			x := f.Site.Text()
			if x == nil || x.Price != f.Price {
				x = f.Site.Write(f.Price, write)
			}
			if got, want := string(x.Bytes), told(f.Site, f.Price); got != want || x.Cuts[0] != uint32(f.Site.Num) {
				t.Fatalf("%q of station %d, want %q", got, x.Cuts[0], want)
			}
		}
		if written != want {
			t.Errorf("%d texts were written, want %d", written, want)
		}
	}

	l.s.Tick(1, noon)
	ask(stations)
	ask(0)
	b := l.s.site(1).block.Load()
	for i := 1; i < len(b.cards); i++ {
		a, c := b.cards[i-1].text.Load().Bytes, b.cards[i].text.Load().Bytes
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(a))); i%textsTogether != 0 &&
			at+uintptr(len(a)) != uintptr(unsafe.Pointer(unsafe.SliceData(c))) {
			t.Fatalf("the texts of stations %d and %d do not stand side by side", i, i+1)
		}
	}
	put(7, 5000) // another description of the same: one is written, the others are kept
	ask(1)
	put(8, 6000)
	put(100, 6000)
	ask(2)
	l.s.Tick(2, noon-3_600_000) // a clock set back: all prices are judged anew
	ask(stations)

	gone := l.s.site(9)
	l.s.replace(change{gone, nil})
	if x := gone.Write(gone.Price(), write); string(x.Bytes) != told(gone, gone.Price()) {
		t.Errorf("%q of a station that is gone", x.Bytes)
	}
	if l.s.newSite(gone.Station, gone.party).Text() != nil {
		t.Error("a station that nobody saw has a text")
	}
}
