package fleet

import (
	"math"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func TestSharesOfOperatorsMakersAndDistricts(t *testing.T) {
	const n = 20_000
	f := newFleet(t, n, Config{Seed: 4})
	piles, cars := map[int]int{}, map[int]int{}
	pilesIn, carsIn := map[string]int{}, map[uint8]int{}
	access := map[charge.Access]int{}
	kw := map[float64]int{}
	publicStations, publicPiles := 0, 0
	for party, s := range f.Stations {
		piles[party] += len(s.Piles)
		pilesIn[s.District] += len(s.Piles)
		access[s.Access] += len(s.Piles)
		if s.Access == charge.Public {
			publicStations++
			publicPiles += len(s.Piles)
		}
		for _, p := range s.Piles {
			if s.Access != charge.Private {
				kw[p.RatedKW]++
			} else if p.Kind != charge.AC || p.RatedKW != 7 {
				t.Fatalf("private pile %s is %s %v kW", p.ID, p.Kind, p.RatedKW)
			}
		}
	}
	for party := range f.Vehicles {
		cars[party]++
	}
	for i := range f.vehicles {
		carsIn[f.vehicles[i].district]++
	}
	near := func(what string, got int, permille, within float64) {
		t.Helper()
		if math.Abs(float64(got)/n*1000-permille) > within {
			t.Fatalf("%s has %d of %d, want %v per mille", what, got, n, permille)
		}
	}
	for i, o := range operators {
		near(o.slug, piles[i], float64(o.share), 0.1)
	}
	for i, m := range makers {
		sum := 0
		for _, k := range m.mix.list() {
			sum += k
		}
		near(m.slug, cars[len(operators)+i], float64(sum), 0.3)
	}
	for code, share := range kunmingShares {
		// Service areas lie between the towns, so districts are not met exactly.
		near("piles of "+code, pilesIn[code], float64(share[0]), 12)
	}
	for i, d := range f.districts {
		near("vehicles of "+d.adcode, carsIn[uint8(i)], float64(d.vehicles), 25)
	}
	near("private access", access[charge.Private], 720, 1)
	for group, share := range groupShares {
		got := 0
		for _, m := range groupModels[group] {
			got += kw[models[m].ratedKW]
		}
		near("group of power", got, float64(share), 4)
	}
	if mean := float64(publicPiles) / float64(publicStations); mean < 13 || mean > 19 {
		t.Fatalf("a public station has %.1f piles on average", mean)
	}
}

func TestClassesFollowTheirShares(t *testing.T) {
	f := newFleet(t, 20_000, Config{Seed: 4})
	var got [kinds]int
	for i := range f.vehicles {
		got[f.vehicles[i].kind]++
	}
	for k, permille := range [kinds]int{private: 740, taxi: 40, ridehail: 90, bus: 25, logistics: 90, sanitation: 15} {
		if want := permille * 20; math.Abs(float64(got[k]-want)) > 5 {
			t.Fatalf("%d of class %s, want %d", got[k], classOf[k], want)
		}
	}
}

func TestTablesAddUp(t *testing.T) {
	sum, class := 0, [kinds]int{}
	for _, o := range operators {
		sum += o.share
		if o.orgID != "101437000" && !orgIDHolds(o.orgID) { // that one circulates with a wrong check
			t.Fatalf("organization code %s of %s does not check", o.orgID, o.slug)
		}
	}
	all := 0
	for _, m := range makers {
		for k, n := range m.mix.list() {
			class[k] += n
			all += n
		}
	}
	if sum != 1000 || all != 1000 || class != [kinds]int{740, 40, 90, 25, 90, 15} {
		t.Fatalf("shares add up to %d and %d, classes %v", sum, all, class)
	}
	if len(operators) != 22 || len(makers) != 18 || len(Parties()) != 40 {
		t.Fatalf("%d operators, %d makers", len(operators), len(makers))
	}
	seen := map[string]bool{}
	for _, p := range Parties() {
		if seen[p.Slug] || p.Name == "" || p.NameEn == "" {
			t.Fatalf("party %+v is there twice or has no name", p)
		}
		seen[p.Slug] = true
	}
}

// orgIDHolds checks an organization code's last character (GB 11714-1997).
func orgIDHolds(id string) bool {
	sum := 0
	for i, w := range [...]int{3, 7, 9, 10, 5, 8, 4, 2} {
		v := int(id[i] - '0')
		if id[i] >= 'A' {
			v = int(id[i]-'A') + 10
		}
		sum += v * w
	}
	want := "0123456789X0"[11-sum%11]
	return id[8] == want
}

func TestVINs(t *testing.T) {
	f := func(vin string) {
		t.Helper()
		if got := vinCheck([]byte(vin)); got != vin[8] {
			t.Fatalf("check of %s is %c", vin, got)
		}
	}

	f("1M8GDM9AXKP042788")
	f("11111111111111111")
	f("LNBMDBAH4PA000001")
	f("LJ1EEAUU0P0000001")
	f("LRW3E7FS3PC000001")

	fl := newFleet(t, 20_000, Config{Seed: 4})
	seen := map[string]bool{}
	for party, v := range fl.Vehicles {
		if len(v.VIN) != vinLength || vinCheck([]byte(v.VIN)) != v.VIN[8] || seen[v.VIN] {
			t.Fatalf("VIN %s is wrong or there twice", v.VIN)
		}
		for _, c := range []byte(v.VIN) {
			if c == 'I' || c == 'O' || c == 'Q' || !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z') {
				t.Fatalf("VIN %s has a %c", v.VIN, c)
			}
		}
		seen[v.VIN] = true
		if Parties()[party].Slug == "kmkc" && v.VIN[11:14] != "KMK" {
			t.Fatalf("VIN %s of a small maker lacks its second code", v.VIN)
		}
	}
	// Small makers count beyond their three digits, large ones beyond six.
	for _, m := range []*maker{&makers[2], &makers[4]} {
		seen := map[string]bool{}
		for n := 1; n < 3_000_000; n += 997 {
			if v := string(appendVIN(nil, m, n, 4)); seen[v] || len(v) != vinLength {
				t.Fatalf("VIN %s of number %d is there twice", v, n)
			} else {
				seen[v] = true
			}
		}
	}
}

func TestNothingStandsInTheLake(t *testing.T) {
	f := newFleet(t, 20_000, Config{Seed: 6})
	c := f.cfg.City
	for _, s := range f.Stations {
		if at := (geo.Point{Lon: s.Lon, Lat: s.Lat}); c.InWater(at) || !c.Bounds.Contains(at) {
			t.Fatalf("station %s stands at %v", s.Name, at)
		}
	}
	for i := range f.piles {
		if at := f.plane.out(f.bay(int32(i))); c.InWater(at) {
			t.Fatalf("a bay of pile %s is in the lake at %v", f.names.pile(int32(i)), at)
		}
	}
	for i := range f.vehicles {
		if at := f.plane.out(f.vehicles[i].home); c.InWater(at) {
			t.Fatalf("home of vehicle %d is in the lake at %v", i, at)
		}
	}
}

func TestStationsAreWhole(t *testing.T) {
	f := newFleet(t, 5000, Config{Seed: 6})
	ids, names := map[string]bool{}, map[string]bool{}
	named := map[string]*charge.Station{}
	parkings := map[charge.ParkingType]int{}
	for party, s := range f.Stations {
		id := Parties()[party].Slug + ":" + s.ID
		if ids[id] || names[s.Name] || s.Name == "" || s.NameEn == "" || len(s.ID) > 20 || len(s.Piles) == 0 || len(s.Piles) > 1000 {
			t.Fatalf("station %+v is there twice or lacks something", s)
		}
		ids[id], names[s.Name], named[id] = true, true, s
		if f.cfg.City.DistrictOf(s.District) != s.District {
			t.Fatalf("station %s is in district %q", id, s.District)
		}
		if len(s.Tariffs) != 1 || !s.Tariffs[0].Covers() {
			t.Fatalf("tariffs of %s are %+v", id, s.Tariffs)
		}
		if s.Access == charge.Public {
			parkings[s.Parking.Type]++
			if fee := s.Tariffs[0].Bands[0].ServiceE4; fee < 2000 || fee > 6000 {
				t.Fatalf("%s asks a service fee of %d", id, fee)
			}
		}
		for _, p := range s.Piles {
			if ids[id+p.ID] || len(p.ID) > 26 || p.Standard == "" {
				t.Fatalf("pile %+v of %s is there twice or lacks something", p, id)
			}
			ids[id+p.ID] = true
		}
	}
	if s := named["teld:530100001"]; s == nil || s.Access != charge.Public { // api/docs.html asks for it without a token
		t.Errorf("the station that the API's page names is %+v", s)
	}
	if len(parkings) != 5 {
		t.Fatalf("kinds of parking: %v", parkings)
	}
}

func TestParkingByTheRings(t *testing.T) {
	f := func(lon, lat float64, want int64) {
		t.Helper()
		for h := range uint64(100) {
			p := parking(geo.Point{Lon: lon, Lat: lat}, h)
			if (p.Type == charge.ParkingPaid || p.Type == charge.ParkingLimited) && p.FenPerHour != want {
				t.Fatalf("parking at %v, %v is %d fen an hour, want %d", lon, lat, p.FenPerHour, want)
			}
			if p.Type == charge.ParkingAsk && p.FenPerHour >= 0 {
				t.Fatal("a price that must be asked for is a number")
			}
		}
	}

	f(102.71, 25.04, 500)
	f(102.68, 25.02, 300)
	f(102.85, 24.88, 200)
}

func TestOneOperatorInTheWrongCoordinates(t *testing.T) {
	right := newFleet(t, 2000, Config{Seed: 6})
	wrong := newFleet(t, 2000, Config{Seed: 6, Faults: Faults{WrongCRS: true}})
	at := map[string]geo.Point{}
	for party, s := range right.Stations {
		at[Parties()[party].Slug+s.ID] = geo.Point{Lon: s.Lon, Lat: s.Lat}
	}
	moved := 0
	for party, s := range wrong.Stations {
		d := geo.DistanceM(at[Parties()[party].Slug+s.ID], geo.Point{Lon: s.Lon, Lat: s.Lat})
		if party == wrongCRSParty && (d < 300 || d > 450) || party != wrongCRSParty && d != 0 {
			t.Fatalf("station %s of %s is %.0f m off", s.ID, Parties()[party].Slug, d)
		}
		if d > 0 {
			moved++
		}
	}
	if moved == 0 {
		t.Fatal("no station moved")
	}
}
