package quality

import (
	"encoding/hex"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// What version 1 wrote is still read: it knows time, order and repetition, and
// the rest begins anew.
func TestOldMemoriesAreRead(t *testing.T) {
	pile, _ := hex.DecodeString("01e094a2dbc0689f06b0ea01aca20101020242eaa356739ed2d048cc9d86a14e5db842eaa356739ed2d0" +
		"010000000000000000")
	car, _ := hex.DecodeString("0180c09edbc068e70700000001017f027b1dbdca58717f027b1dbdca5871")
	var m PileMemory
	for n := range pile {
		if _, err := m.Decode(pile[:n]); err == nil {
			t.Fatalf("the first %d bytes of a memory were read", n)
		}
	}
	if rest, err := m.Decode(append(pile, 7)); err != nil || len(rest) != 1 || m.LastTS() != noon+30*second ||
		m.status != charge.StatusIdle {
		t.Fatalf("the memory of a pile came back as %+v, %v, %d bytes left", m, err, len(rest))
	}
	judge := func(ts charge.Millis, s charge.Status) string {
		var f Findings
		r := charge.PileReport{ID: "S1-1", TS: noon + ts, Status: s, Has: charge.HasPower}
		JudgePile(&m, &r, PileFacts{}, noon+40*second, limits(), &f)
		return words(f)
	}
	if got := judge(30*second, 1); got != "dup.exact duplicate" {
		t.Errorf("its last report again: %q", got)
	}
	if got := judge(34*second, 3); got != "status.edge flag" {
		t.Errorf("charging at once: %q", got)
	}
	var c VehicleMemory
	if rest, err := c.Decode(car); err != nil || len(rest) > 0 || c.LastTS() != noon {
		t.Fatalf("the memory of a vehicle came back as %+v, %v", c, err)
	}
	r := charge.VehicleReport{VIN: vin, TS: noon + second, Has: charge.HasPosition | charge.HasSOC | charge.HasOdometer,
		Lon: 102.7, Lat: 25, SOCPct: 50, OdometerKM: 1000}
	var f Findings
	if v, _ := JudgeVehicle(&c, &r, VehicleFacts{}, r.TS, limits(), &f); v != charge.Taken || len(f) > 0 {
		t.Errorf("its next report: %d, %s", v, words(f))
	}
	again := c
	if c.Decode(c.Append(nil)); c != again {
		t.Error("it does not come back in the new form")
	}
}
