package fleet

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestEnergyIsTheIntegralOfPower(t *testing.T) {
	f := func(shape [][2]float64, soc0, pack, peak, limit, loss float64) {
		t.Helper()
		c := newCurve(shape, soc0, pack, peak, limit, loss)
		const step = 200 // ms
		end := c.until(99.9)
		sum := 0.0
		for ms := int64(0); ms < end; ms += step {
			_, kw := c.at(ms + step/2)
			sum += kw * step / float64(hour)
		}
		soc, _ := c.at(end)
		kwh := c.kwh(soc - soc0)
		if math.Abs(sum-kwh) > 0.002*kwh {
			t.Fatalf("∫P = %.3f kWh, the meter says %.3f", sum, kwh)
		}
		if got, want := (soc-soc0)/100*pack, kwh*(1-loss); math.Abs(got-want) > 1e-9*want {
			t.Fatalf("the pack took %.4f kWh of %.4f", got, want)
		}
		if math.Abs(soc-99.9) > 0.01 {
			t.Fatalf("until(99.9) ends at %.3f", soc)
		}
	}

	f(dcShape[:], 10, 60, 90, 120, dcLoss)
	f(dcShape[:], 20, 60, 90, 60, dcLoss)
	f(dcShape[:], 57, 300, 200, 60, dcLoss)
	f(dcShape[:], 3, 90, 280, 480, dcLoss)
	f(dcShape[:], 95, 50, 60, 40, dcLoss)
	f(acShape[:], 20, 60, 6.6, 6.6, acLoss)
	f(acShape[:], 97, 60, 6.6, 6.6, acLoss)
}

func TestCurveFollowsThePacksAcceptance(t *testing.T) {
	c := newCurve(dcShape[:], 10, 60, 100, 60, dcLoss)
	f := func(soc, want float64) {
		t.Helper()
		if _, kw := c.at(c.until(soc)); math.Abs(kw-want) > 0.5 {
			t.Fatalf("%.1f kW at %.0f %%, want %.1f", kw, soc, want)
		}
	}

	f(30, 60) // the pile's limit
	f(74, 60) // the pack would take 62
	f(80, 50)
	f(90, 22)
	f(99, 6.5)
	if _, kw := c.at(rampMS / 2); math.Abs(kw-30) > 0.1 {
		t.Fatalf("half-way up the ramp it gives %.1f kW", kw)
	}
	if _, kw := c.at(0); kw != 0 {
		t.Fatalf("%.1f kW at once", kw)
	}
}

func TestCurveNeverFallsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		soc0, pack := uniform(r, 0, 98), uniform(r, 20, 350)
		c := newCurve(dcShape[:], soc0, pack, pack*uniform(r, 0.5, 3.2), uniform(r, 20, 600), dcLoss)
		last := soc0
		for ms := int64(0); ms < 5*hour; ms += 30 * second {
			soc, kw := c.at(ms)
			if soc < last-1e-9 || soc > 100 || kw < 0 || soc-last > 5 {
				t.Fatalf("SOC %.2f after %.2f in 30 s, %.1f kW", soc, last, kw)
			}
			last = soc
		}
		for _, s := range []float64{soc0 + 0.1, (soc0 + 100) / 2, 99} {
			if s < soc0 {
				continue
			}
			if got, _ := c.at(c.until(s)); math.Abs(got-s) > 0.02 {
				t.Fatalf("until(%.2f) ends at %.2f", s, got)
			}
		}
	}
}
