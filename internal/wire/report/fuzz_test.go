package report

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// seeds are shapes that the mutator should know of.
var seeds = []string{
	onePile, oneVehicle, `[]`, `{}`, ``, ` [ ] `, `[{}]`, `[[[]]]`, `null`, `"x"`, `1`, `[1,null,true,false,"a"]`,
	`{"a":{"b":[1,{"c":null}]}}`,
	`{"id":"a","ts":1.795392e12,"status":3.0,"powerKw":-0,"powerKw":1e5}`,
	`{"id":"\u0041\ud83d\ude00\ud800","ts":"2026-11-01T00:00:00+08:00"}`,
	`{"id":"S1","name":"站","lon":1,"lat":2,"crs":"gcj02","piles":[{"id":"a","kind":"dc","ratedKw":1}],"parking":{"type":2,"text":"x"},"tariff":{"bands":[{"from":"00:00","to":"24:00","energyYuanPerKwh":1}]}}`,
	`{"id":"A","pile":"p","startTs":1,"endTs":2,"energyKwh":3,"bands":[{"from":1,"to":2,"energyKwh":1,"energyYuan":1,"serviceYuan":1}]}`,
	"{\"id\":\"\xff\"}", `{"ts":12345678901234567890123,"alarms":18446744073709551616}`, `[{"id":"a"},{"id":"b"}`,
	`{"id":"a",}`, `[1,]`, `01`, `1.`, `-`, `1e`, "\ufeff{}",
}

// fuzz checks that decode accepts what encoding/json and UTF-8 accept, and no more.
func fuzz(f *testing.F, decode func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding)) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := NewDecoder()
		heads, whole := decode(t, d, in)
		var list []json.RawMessage
		valid := utf8.Valid(in) && json.Valid(in)
		if valid && bytes.HasPrefix(bytes.TrimLeft(in, " \t\r\n"), []byte("[")) {
			if err := json.Unmarshal(in, &list); err != nil {
				t.Fatal(err)
			}
		} else if valid {
			list = []json.RawMessage{bytes.TrimSpace(in)}
		}
		switch {
		case len(in) > MaxBytes || len(list) > MaxReports:
			if whole == nil || whole.Rule != charge.RuleTooLarge && valid {
				t.Fatalf("%d bytes and %d reports were taken: %v", len(in), len(list), whole)
			}
			return
		case valid != (whole == nil):
			t.Fatalf("%q: encoding/json says %v, we say %+v", in, valid, whole)
		case !valid:
			if whole.Rule != charge.RuleMalformed && whole.Rule != charge.RuleTooLarge || whole.Detail == "" ||
				!utf8.ValidString(whole.Detail) {
				t.Fatalf("%q: %+v", in, whole)
			}
			return
		case len(list) != len(heads):
			t.Fatalf("%q: %d elements, we found %d", in, len(list), len(heads))
		}
		for i, h := range heads {
			if !bytes.Equal(h.Raw, list[i]) {
				t.Fatalf("element %d is %s, we say %s", i, list[i], h.Raw)
			}
			rejects := 0
			for _, x := range h.Findings {
				if x.Action == charge.ActReject {
					rejects++
				}
				if x.Rule == "" || x.Detail == "" || !utf8.ValidString(x.Detail) || x.Action != charge.ActReject &&
					x.Action != charge.ActNull {
					t.Fatalf("%s: %+v", h.Raw, x)
				}
			}
			if h.Rejected != (rejects == 1) || rejects > 1 || h.Rejected && len(h.Findings) != 1 {
				t.Fatalf("%s: rejected %v, %+v", h.Raw, h.Rejected, h.Findings)
			}
		}
	})
}

// member returns what encoding/json says of the member name of the object raw: the last one counts.
func member(t *testing.T, raw []byte, name string) any {
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return m[name]
}

// sameNumber checks one optional number against encoding/json.
func sameNumber(t *testing.T, raw []byte, name string, has bool, got float64) {
	t.Helper()
	n, is := member(t, raw, name).(json.Number)
	want, err := strconv.ParseFloat(string(n), 64)
	if is = is && err == nil; is != has || is && math.Float64bits(want) != math.Float64bits(got) {
		t.Fatalf("%s: %s is %v (%v), we say %v (%v)", raw, name, want, is, got, has)
	}
}

func sameString(t *testing.T, raw []byte, name, got string) {
	t.Helper()
	if want, _ := member(t, raw, name).(string); want != got {
		t.Fatalf("%s: %s is %q, we say %q", raw, name, want, got)
	}
}

func FuzzPiles(f *testing.F) {
	fuzz(f, func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding) {
		list, whole := d.Piles(in)
		for i := range list {
			e := &list[i]
			if heads = append(heads, e.Head); whole != nil || e.Rejected {
				continue
			}
			r := &e.Report
			sameString(t, e.Raw, "id", r.ID)
			sameNumber(t, e.Raw, "powerKw", r.Has&charge.HasPower != 0, r.PowerKW)
			sameNumber(t, e.Raw, "meterKwh", r.Has&charge.HasMeter != 0, r.MeterKWh)
			again, bad := NewDecoder().Piles(AppendPile(nil, r))
			if bad != nil || len(again) != 1 || again[0].Findings != nil || !samePile(&again[0].Report, r) {
				t.Fatalf("written and read again it differs: %s", string(AppendPile(nil, r)))
			}
		}
		return heads, whole
	})
}

// samePile compares what AppendPile writes.
func samePile(a, b *charge.PileReport) bool {
	return bytes.Equal(AppendPile(nil, a), AppendPile(nil, b)) && a.Has == b.Has && a.TS == b.TS
}

func FuzzVehicles(f *testing.F) {
	fuzz(f, func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding) {
		list, whole := d.Vehicles(in)
		for i := range list {
			e := &list[i]
			if heads = append(heads, e.Head); whole != nil || e.Rejected {
				continue
			}
			r := &e.Report
			again, bad := NewDecoder().Vehicles(AppendVehicle(nil, r))
			if bad != nil || len(again) != 1 || again[0].Findings != nil || again[0].Report.Has != r.Has ||
				!bytes.Equal(AppendVehicle(nil, &again[0].Report), AppendVehicle(nil, r)) {
				t.Fatalf("written and read again it differs: %s", string(AppendVehicle(nil, r)))
			}
		}
		return heads, whole
	})
}

func FuzzStations(f *testing.F) {
	fuzz(f, func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding) {
		list, whole := d.Stations(in)
		for i := range list {
			e := &list[i]
			if heads = append(heads, e.Head); whole != nil || e.Rejected || e.Removed {
				continue
			}
			out := AppendStation(nil, &e.Station)
			again, bad := NewDecoder().Stations(out)
			if bad != nil || len(again) != 1 || again[0].Findings != nil || !reflect.DeepEqual(again[0].Station,
				e.Station) {
				t.Fatalf("written and read again it differs: %s", string(out))
			}
		}
		return heads, whole
	})
}

func FuzzSessions(f *testing.F) {
	fuzz(f, func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding) {
		list, whole := d.Sessions(in)
		for i := range list {
			e := &list[i]
			if heads = append(heads, e.Head); whole != nil || e.Rejected {
				continue
			}
			out := AppendSession(nil, &e.Session)
			again, bad := NewDecoder().Sessions(out)
			if bad != nil || len(again) != 1 || again[0].Findings != nil || !bytes.Equal(AppendSession(nil,
				&again[0].Session), out) {
				t.Fatalf("written and read again it differs: %s", string(out))
			}
		}
		return heads, whole
	})
}

func FuzzFleet(f *testing.F) {
	fuzz(f, func(t *testing.T, d *Decoder, in []byte) (heads []Head, whole *charge.Finding) {
		list, whole := d.Fleet(in)
		for i := range list {
			e := &list[i]
			if heads = append(heads, e.Head); whole != nil || e.Rejected {
				continue
			}
			out := AppendFleet(nil, &e.Vehicle)
			again, bad := NewDecoder().Fleet(out)
			if bad != nil || len(again) != 1 || again[0].Findings != nil || again[0].Vehicle != e.Vehicle {
				t.Fatalf("written and read again it differs: %s", string(out))
			}
		}
		return heads, whole
	})
}
