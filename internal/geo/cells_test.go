package geo

import (
	"math/rand/v2"
	"testing"
)

func TestCellsAtIsCellAt(t *testing.T) {
	f := func(name string, n int, at func(*rand.Rand) Point) {
		t.Helper()
		rnd := rand.New(rand.NewPCG(1, 2))
		var got [MaxCellRes + 1]Cell
		for range n {
			p := at(rnd)
			lo := rnd.IntN(MaxCellRes + 1)
			hi := lo + rnd.IntN(MaxCellRes+1-lo)
			CellsAt(p, lo, hi, got[:])
			for r := lo; r <= hi; r++ {
				if want := CellAt(p, r); got[r] != want {
					t.Fatalf("%s: %v at resolution %d is in %v, CellsAt says %v", name, p, r, want, got[r])
				}
			}
		}
	}
	f("Kunming", 20_000, func(r *rand.Rand) Point {
		return Point{102.16 + r.Float64()*1.52, 24.38 + r.Float64()*2.18}
	})
	f("the globe", 40_000, func(r *rand.Rand) Point {
		return Point{r.Float64()*360 - 180, r.Float64()*180 - 90}
	})
	f("round numbers", 5_000, func(r *rand.Rand) Point {
		return Point{float64(r.IntN(361) - 180), float64(r.IntN(181) - 90)}
	})
}

func BenchmarkCellsAt(b *testing.B) {
	p := Point{102.71, 25.04}
	var out [11]Cell
	b.ReportAllocs()
	for b.Loop() {
		p.Lon += 1e-6
		CellsAt(p, 5, 10, out[:])
	}
}
