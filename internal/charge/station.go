package charge

// Limits of what a party may register.
const (
	MaxStationPiles = 1000 // piles in one station
	MaxTariffs      = 32   // versions of a station's tariff that are kept, newest first
	MaxBands        = 32   // bands in a tariff
)

// PileKind is how a pile delivers: AC or DC.
type PileKind uint8

// The kinds of pile.
const (
	AC PileKind = 1
	DC PileKind = 2
)

// String returns "ac" or "dc".
func (k PileKind) String() string {
	if k == DC {
		return "dc"
	}
	return "ac"
}

// Access tells who may use a station. The zero value is public.
type Access uint8

// The kinds of access.
const (
	Public Access = iota
	Restricted
	Private
)

// String returns the word of the contract.
func (a Access) String() string {
	return [...]string{"public", "restricted", "private", "private"}[a&3]
}

// Pile is one connector that one car can use.
type Pile struct {
	Num      Num
	ID       string // the operator's own
	Kind     PileKind
	RatedKW  float64
	Standard string // such as "GB/T 20234.3"; "" when not said
	Bay      string
}

// Station is a site with piles, as its operator described it last.
type Station struct {
	Num       Num
	Party     Num // its operator
	ID        string
	Name      string
	NameEn    string
	Lon, Lat  float64 // WGS-84
	Access    Access
	District  string // adcode as reported, 530122 read as 530115; "" when not said
	Address   string
	Phone     string
	OpenHours string // "HH:MM-HH:MM", "" when unknown
	Parking   *Parking
	Tariffs   []Tariff // by ValidFrom, oldest first
	Piles     []Pile   // in the operator's order
}

// ParkingType is the contract's parking code.
type ParkingType uint8

// Parking codes.
const (
	ParkingFree    ParkingType = 0
	ParkingPaid    ParkingType = 1
	ParkingLimited ParkingType = 2 // free for FreeMinutes
	ParkingReduced ParkingType = 3 // cheaper while charging
	ParkingAsk     ParkingType = 255
)

// Parking is what it costs to stand at a station. Absent amounts are negative.
type Parking struct {
	Type        ParkingType
	Text        string
	FenPerHour  int64 // -1 when not said
	FreeMinutes int64 // -1 when not said
}

// Tariff is a station's prices over the day from ValidFrom on.
type Tariff struct {
	ValidFrom Millis // 0 when the operator gave none: since ever
	Bands     []Band
}

// Band is one stretch of the local day. A band with To ≤ From crosses midnight.
type Band struct {
	FromMinute, ToMinute int   // minutes of the local day, 0 ≤ From < 1440, 0 < To ≤ 1440
	EnergyE4             int64 // yuan per kWh × 10,000
	ServiceE4            int64 // yuan per kWh × 10,000
}

// Covers reports whether the bands cover the local day exactly once.
func (t *Tariff) Covers() bool {
	var minute [1440]bool
	n := 0
	for _, b := range t.Bands {
		for m := b.FromMinute; ; {
			if m == 1440 {
				m = 0
			}
			if minute[m] {
				return false
			}
			minute[m] = true
			n++
			m++
			if m == b.ToMinute || m == 1440 && b.ToMinute == 0 {
				break
			}
		}
	}
	return n == 1440
}

// Class is a vehicle's use.
type Class uint8

// Vehicle classes of the contract.
const (
	ClassOther Class = iota
	ClassPrivate
	ClassTaxi
	ClassRidehail
	ClassBus
	ClassLogistics
	ClassSanitation
)

// String returns the contract's word.
func (c Class) String() string {
	return [...]string{"other", "private", "taxi", "ridehail", "bus", "logistics", "sanitation", "other"}[c&7]
}

// Vehicle is a vehicle's master data.
type Vehicle struct {
	Num        Num
	Party      Num // its maker
	VIN        string
	Class      Class
	Model      string
	BatteryKWh float64 // 0 when not said
}
