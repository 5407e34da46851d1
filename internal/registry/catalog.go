package registry

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Catalog is what existed, and what had been counted, after the log entry Position.
type Catalog struct {
	Position uint64
	Stations []charge.Station // by number, with their piles and tariffs
	Vehicles []charge.Vehicle // by number
	Accounts []Account        // by party
	Alarms   []*alarm.Alarm   // every open one, and those cleared last
	Marks    Numbers          // the next new object's number is one more than its mark
}

// Account is what is counted of a party since it was added.
type Account struct {
	Party  charge.Num
	Counts record.Counts
	Last   charge.Millis // when the last report was received
	Rules  []RuleTotal
}

// RuleTotal is how often a party's reports met one rule.
type RuleTotal struct {
	Rule   charge.Rule
	Action charge.Action
	Count  uint64
}

// LoadCatalog returns everything at one moment. 200,000 piles with 200,000
// vehicles take about 1.5 s. Stations of removed parties may still be among
// them; the bands of equal tariffs are shared and must not be changed.
func (r *Registry) LoadCatalog(ctx context.Context) (*Catalog, error) {
	tx, err := r.main.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot load the catalog: %w", err)
	}
	defer tx.Rollback()
	c := new(Catalog)
	for _, part := range []func(context.Context, *sql.Tx) error{
		c.loadMeta, c.loadStations, c.loadPiles, c.loadTariffs, c.loadVehicles, c.loadAccounts,
		c.loadAlarms,
	} {
		if err := part(ctx, tx); err != nil {
			return nil, fmt.Errorf("cannot load the catalog: %w", err)
		}
	}
	return c, nil
}

// Marks returns the largest numbers ever given.
func (r *Registry) Marks(ctx context.Context) (Numbers, error) {
	var c Catalog
	err := each(ctx, r.main.read, `SELECT key, value FROM meta WHERE key LIKE 'mark.%'`, c.scanMark)
	if err != nil {
		return Numbers{}, fmt.Errorf("cannot read the numbers given: %w", err)
	}
	return c.Marks, nil
}

// each calls do for every row of a query.
func each(ctx context.Context, q querier, query string, do func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *Catalog) loadMeta(ctx context.Context, tx *sql.Tx) (err error) {
	if c.Position, err = position(ctx, tx); err != nil {
		return err
	}
	return each(ctx, tx, `SELECT key, value FROM meta WHERE key LIKE 'mark.%'`, c.scanMark)
}

func (c *Catalog) scanMark(rows *sql.Rows) error {
	var key string
	var n charge.Num
	if err := rows.Scan(&key, &n); err != nil {
		return err
	}
	switch key {
	case "mark.station":
		c.Marks.Station = n
	case "mark.pile":
		c.Marks.Pile = n
	case "mark.vehicle":
		c.Marks.Vehicle = n
	}
	return nil
}

func (c *Catalog) loadStations(ctx context.Context, tx *sql.Tx) error {
	return each(ctx, tx, `SELECT num, party, id, name, name_en, lon, lat, access, district, address, phone, open_hours,
		parking_type, parking_text, parking_fen_h, parking_free_min FROM stations ORDER BY num`, func(rows *sql.Rows) error {
		var s charge.Station
		var kind, fen, free sql.NullInt64
		var text sql.NullString
		err := rows.Scan(&s.Num, &s.Party, &s.ID, &s.Name, &s.NameEn, &s.Lon, &s.Lat, &s.Access, &s.District, &s.Address,
			&s.Phone, &s.OpenHours, &kind, &text, &fen, &free)
		if err == nil && kind.Valid {
			s.Parking = &charge.Parking{Type: charge.ParkingType(kind.Int64), Text: text.String,
				FenPerHour: fen.Int64, FreeMinutes: free.Int64}
		}
		c.Stations = append(c.Stations, s)
		return err
	})
}

// cursor finds stations by number for rows that come in the order of stations.
type cursor struct {
	stations []charge.Station
	at       int
}

func (c *cursor) find(num charge.Num) (*charge.Station, error) {
	for c.at < len(c.stations) && c.stations[c.at].Num < num {
		c.at++
	}
	if c.at == len(c.stations) || c.stations[c.at].Num != num {
		return nil, fmt.Errorf("station %d is missing", num)
	}
	return &c.stations[c.at], nil
}

// intern returns one copy of texts that come again and again.
type intern map[string]string

func (in intern) of(b sql.RawBytes) string {
	if s, ok := in[string(b)]; ok {
		return s
	}
	s := string(b)
	in[s] = s
	return s
}

func (c *Catalog) loadPiles(ctx context.Context, tx *sql.Tx) error {
	cur := cursor{stations: c.Stations}
	texts := intern{}
	var standard, bay sql.RawBytes
	return each(ctx, tx, `SELECT num, station, id, kind, rated_kw, standard, bay FROM piles ORDER BY station, place`,
		func(rows *sql.Rows) error {
			var p charge.Pile
			var num charge.Num
			if err := rows.Scan(&p.Num, &num, &p.ID, &p.Kind, &p.RatedKW, &standard, &bay); err != nil {
				return err
			}
			p.Standard, p.Bay = texts.of(standard), string(bay)
			s, err := cur.find(num)
			if err == nil {
				s.Piles = append(s.Piles, p)
			}
			return err
		})
}

func (c *Catalog) loadTariffs(ctx context.Context, tx *sql.Tx) error {
	cur := cursor{stations: c.Stations}
	known := make(map[string][]charge.Band)
	return each(ctx, tx, `SELECT station, valid_from_ms, bands FROM tariffs ORDER BY station, valid_from_ms`,
		func(rows *sql.Rows) error {
			var num charge.Num
			var t charge.Tariff
			var text string
			if err := rows.Scan(&num, &t.ValidFrom, &text); err != nil {
				return err
			}
			bands, ok := known[text]
			if !ok {
				var err error
				if bands, err = unpackBands(text); err != nil {
					return fmt.Errorf("tariff of station %d: %w", num, err)
				}
				known[text] = bands
			}
			t.Bands = bands
			s, err := cur.find(num)
			if err == nil {
				s.Tariffs = append(s.Tariffs, t)
			}
			return err
		})
}

func (c *Catalog) loadVehicles(ctx context.Context, tx *sql.Tx) error {
	texts := intern{}
	var model sql.RawBytes
	return each(ctx, tx, `SELECT num, party, vin, class, model, battery_kwh FROM vehicles ORDER BY num`,
		func(rows *sql.Rows) error {
			var v charge.Vehicle
			err := rows.Scan(&v.Num, &v.Party, &v.VIN, &v.Class, &model, &v.BatteryKWh)
			v.Model = texts.of(model)
			c.Vehicles = append(c.Vehicles, v)
			return err
		})
}

// Accounts returns what is counted of each party, and the log entry up to which.
func (r *Registry) Accounts(ctx context.Context) (accounts []Account, at uint64, err error) {
	tx, err := r.main.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the accounts: %w", err)
	}
	defer tx.Rollback()
	var c Catalog
	if at, err = position(ctx, tx); err == nil {
		err = c.loadAccounts(ctx, tx)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the accounts: %w", err)
	}
	return c.Accounts, at, nil
}

func (c *Catalog) loadAccounts(ctx context.Context, tx *sql.Tx) error {
	at := make(map[charge.Num]int)
	of := func(party charge.Num) *Account {
		i, ok := at[party]
		if !ok {
			i = len(c.Accounts)
			at[party] = i
			c.Accounts = append(c.Accounts, Account{Party: party})
		}
		return &c.Accounts[i]
	}
	err := each(ctx, tx, `SELECT party, received, taken, duplicate, history, rejected,
		kept, flagged, nulls, missing, online_ms, last_ms FROM account ORDER BY party`,
		func(rows *sql.Rows) error {
			var a Account
			n := &a.Counts
			err := rows.Scan(&a.Party, &n.Received, &n.Taken, &n.Duplicate, &n.History, &n.Rejected,
				&n.Kept, &n.Flagged, &n.Nulls, &n.Missing, &n.OnlineMS, &a.Last)
			*of(a.Party) = a
			return err
		})
	if err != nil {
		return err
	}
	err = each(ctx, tx, `SELECT party, rule, action, count FROM rule_counts ORDER BY party, rule, action`,
		func(rows *sql.Rows) error {
			var party charge.Num
			var t RuleTotal
			err := rows.Scan(&party, &t.Rule, &t.Action, &t.Count)
			a := of(party)
			a.Rules = append(a.Rules, t)
			return err
		})
	if err != nil {
		return err
	}
	return each(ctx, tx, `SELECT party, class, count FROM delay_counts ORDER BY party, class`, func(rows *sql.Rows) error {
		var party charge.Num
		var class int
		var n uint64
		if err := rows.Scan(&party, &class, &n); err != nil {
			return err
		}
		if class < 0 || class >= len(record.DelayCounts{}) {
			return fmt.Errorf("delay class %d of party %d is unknown", class, party)
		}
		of(party).Counts.Delays[class] = n
		return nil
	})
}
