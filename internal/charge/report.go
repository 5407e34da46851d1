package charge

// Payload is what a topic carries.
type Payload uint8

// The payloads, named like their topics.
const (
	Stations Payload = 1 + iota
	Piles
	Sessions
	Fleet
	Vehicles
	Feedback
)

var payloadNames = [...]string{"", "stations", "piles", "sessions", "fleet", "vehicles", "feedback"}

// String returns the topic's last level.
func (p Payload) String() string {
	if int(p) < len(payloadNames) {
		return payloadNames[p]
	}
	return ""
}

// PayloadOf returns the payload that a topic's last level names, or 0.
func PayloadOf(level string) Payload {
	for i, n := range payloadNames {
		if i > 0 && n == level {
			return Payload(i)
		}
	}
	return 0
}

// PublishedBy returns the kind of party that may publish p; 0 for feedback.
func (p Payload) PublishedBy() PartyKind {
	switch p {
	case Stations, Piles, Sessions:
		return Operator
	case Fleet, Vehicles:
		return Maker
	}
	return 0
}

// Status is a pile's status code, T/CEC 102.1 connector status as in the contract.
type Status uint8

// Status codes.
const (
	StatusOffline  Status = 0
	StatusIdle     Status = 1
	StatusOccupied Status = 2
	StatusCharging Status = 3
	StatusReserved Status = 4
	StatusFault    Status = 255
)

// State is one of the five states that every pile is in.
type State uint8

// The five states. They add up to the total.
const (
	Offline State = iota
	Free
	InUse
	Reserved
	Fault
)

// String returns the contract's word.
func (s State) String() string {
	return [...]string{"offline", "free", "inUse", "reserved", "fault", "offline", "offline", "offline"}[s&7]
}

// StateOf returns the state that status c means while the report is fresh.
func StateOf(c Status) State {
	switch c {
	case StatusIdle:
		return Free
	case StatusOccupied, StatusCharging:
		return InUse
	case StatusReserved:
		return Reserved
	case StatusFault:
		return Fault
	}
	return Offline
}

// PileCounts counts piles by state; Free+InUse+Reserved+Fault+Offline = Total,
// and Charging is the part of InUse with status 3.
type PileCounts struct {
	Total, Free, InUse, Charging, Reserved, Fault, Offline int
}

// VehicleCounts counts vehicles; Driving, Charging and Alarm are parts of Online.
type VehicleCounts struct {
	Total, Online, Driving, Charging, Alarm int
}

// Has marks which optional members a report carried.
type Has uint32

// Optional members of a pile report.
const (
	HasPower Has = 1 << iota
	HasVoltage
	HasCurrent
	HasSOC
	HasEnergy
	HasMeter
	HasSession
	HasVIN
	HasFault
	HasPark
	HasLock
)

// Optional members of a vehicle report; voltage, current and SOC are shared.
const (
	HasPosition Has = 1 << (11 + iota)
	HasSpeed
	HasOdometer
	HasState
	HasCharge
	HasAlarmLevel
	HasAlarms
	HasRange
	HasInsulation
)

// PileReport is one report of a pile. A member is valid only if its Has bit is set.
// Strings may be views of the buffer it was decoded from: clone them to keep them.
type PileReport struct {
	ID        string // the operator's own pile id
	TS        Millis // the pile's clock
	Status    Status
	Has       Has
	PowerKW   float64 // into the vehicle
	VoltageV  float64
	CurrentA  float64
	SOCPct    float64
	EnergyKWh float64 // since the session began
	MeterKWh  float64 // of the pile, ever
	Session   string
	VIN       string
	Fault     string
	Park      uint8 // 0 unknown, 10 free, 50 taken
	Lock      uint8 // 0 unknown, 10 open, 50 locked
}

// VehicleReport is one report of a vehicle. A member is valid only if its Has bit is set.
type VehicleReport struct {
	VIN            string
	TS             Millis
	Has            Has
	Lon, Lat       float64 // WGS-84
	SpeedKMH       float64
	OdometerKM     float64
	SOCPct         float64
	VoltageV       float64
	CurrentA       float64 // negative while it charges
	State          uint8   // 1 on, 2 off, 3 other
	Charge         uint8   // 1 parked charging, 2 driving charging, 3 not, 4 full
	AlarmLevel     uint8   // 0–4
	Alarms         uint64  // bits of GB/T 32960.3
	RangeKM        float64
	InsulationKOhm float64
}

// Session is a finished charging session. Absent amounts are negative.
type Session struct {
	Party      Num
	ID         string // the operator's own
	Pile       Num
	PileID     string
	Start, End Millis
	EnergyKWh  float64
	VIN        string
	Bands      []SessionBand
	EnergyFen  int64 // -1 when not said, like the three below
	ServiceFen int64
	ParkingFen int64
	TotalFen   int64
	StopReason int16 // -1 when not said
}

// SessionBand is one price band of a session.
type SessionBand struct {
	From, To   Millis
	EnergyKWh  float64
	EnergyFen  int64
	ServiceFen int64
}

// Verdict is what became of one report.
type Verdict uint8

// Verdicts. Taken changed what is live and what is kept, Late (the contract's
// "history") only what is kept, the other two neither.
const (
	Taken Verdict = 1 + iota
	Late
	Duplicate
	Rejected
)

// Account counts reports by verdict; Received is the sum of the other four.
type Account struct {
	Received, Taken, Duplicate, History, Rejected uint64
}

// Count adds n reports of verdict v.
func (a *Account) Count(v Verdict, n uint64) {
	a.Received += n
	switch v {
	case Taken:
		a.Taken += n
	case Late:
		a.History += n
	case Duplicate:
		a.Duplicate += n
	case Rejected:
		a.Rejected += n
	}
}

// Add adds o.
func (a *Account) Add(o Account) {
	a.Received += o.Received
	a.Taken += o.Taken
	a.Duplicate += o.Duplicate
	a.History += o.History
	a.Rejected += o.Rejected
}

// Sub takes o away.
func (a *Account) Sub(o Account) {
	a.Received -= o.Received
	a.Taken -= o.Taken
	a.Duplicate -= o.Duplicate
	a.History -= o.History
	a.Rejected -= o.Rejected
}
