package follow

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// accessShape is parties and tokens as JSON. Password hashes stay out: a
// replica lets nobody log in with one.
type accessShape struct {
	Parties []partyShape `json:"parties"`
	Tokens  []tokenShape `json:"tokens"`
}

type partyShape struct {
	Num     charge.Num       `json:"num"`
	Slug    string           `json:"slug"`
	Kind    charge.PartyKind `json:"kind"`
	Name    string           `json:"name"`
	NameEn  string           `json:"nameEn,omitempty"`
	AddedMS int64            `json:"addedMs"`
	Removed bool             `json:"removed,omitempty"`
}

type tokenShape struct {
	ID      string      `json:"id"`
	Role    charge.Role `json:"role"`
	Party   string      `json:"party,omitempty"`
	SHA256  string      `json:"sha256"`
	AddedMS int64       `json:"addedMs"`
}

func encodeAccess(parties []charge.Party, tokens []charge.Token) []byte {
	var s accessShape
	for _, p := range parties {
		s.Parties = append(s.Parties, partyShape{p.Num, p.Slug, p.Kind, p.Name, p.NameEn, int64(p.Added), p.Removed})
	}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, tokenShape{t.ID, t.Role, t.Party, hex.EncodeToString(t.Hash[:]), int64(t.Added)})
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain values always encode
	}
	return b
}

func decodeAccess(b []byte) ([]charge.Party, []charge.Token, error) {
	var s accessShape
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, nil, fmt.Errorf("cannot read parties and tokens: %w", err)
	}
	parties, tokens := make([]charge.Party, 0, len(s.Parties)), make([]charge.Token, 0, len(s.Tokens))
	for _, p := range s.Parties {
		parties = append(parties, charge.Party{Num: p.Num, Slug: p.Slug, Kind: p.Kind, Name: p.Name, NameEn: p.NameEn,
			Added: charge.Millis(p.AddedMS), Removed: p.Removed})
	}
	for _, t := range s.Tokens {
		hash, err := hex.DecodeString(t.SHA256)
		if err != nil || len(hash) != 32 {
			return nil, nil, fmt.Errorf("cannot read parties and tokens: the hash of token %s is none", t.ID)
		}
		tokens = append(tokens, charge.Token{ID: t.ID, Role: t.Role, Party: t.Party,
			Hash: [32]byte(hash), Added: charge.Millis(t.AddedMS)})
	}
	return parties, tokens, nil
}

// sessionsShape is the answer of /internal/sessions, or an error with its code.
type sessionsShape struct {
	Sessions []sessionShape `json:"sessions,omitempty"`
	Code     charge.Code    `json:"code,omitempty"`
	Text     string         `json:"text,omitempty"`
}

type sessionShape struct {
	Party      charge.Num  `json:"party"`
	ID         string      `json:"id"`
	Pile       charge.Num  `json:"pile"`
	PileID     string      `json:"pileId"`
	StartMS    int64       `json:"startMs"`
	EndMS      int64       `json:"endMs"`
	EnergyKWh  float64     `json:"energyKwh"`
	VIN        string      `json:"vin,omitempty"`
	Bands      []bandShape `json:"bands,omitempty"`
	EnergyFen  int64       `json:"energyFen"`
	ServiceFen int64       `json:"serviceFen"`
	ParkingFen int64       `json:"parkingFen"`
	TotalFen   int64       `json:"totalFen"`
	StopReason int16       `json:"stopReason"`
}

type bandShape struct {
	FromMS     int64   `json:"fromMs"`
	ToMS       int64   `json:"toMs"`
	EnergyKWh  float64 `json:"energyKwh"`
	EnergyFen  int64   `json:"energyFen"`
	ServiceFen int64   `json:"serviceFen"`
}

func sessionToShape(s *charge.Session) sessionShape {
	out := sessionShape{Party: s.Party, ID: s.ID, Pile: s.Pile, PileID: s.PileID, StartMS: int64(s.Start), EndMS: int64(s.End),
		EnergyKWh: s.EnergyKWh, VIN: s.VIN, EnergyFen: s.EnergyFen, ServiceFen: s.ServiceFen, ParkingFen: s.ParkingFen,
		TotalFen: s.TotalFen, StopReason: s.StopReason}
	for _, b := range s.Bands {
		out.Bands = append(out.Bands, bandShape{int64(b.From), int64(b.To), b.EnergyKWh, b.EnergyFen, b.ServiceFen})
	}
	return out
}

func (s *sessionShape) session() charge.Session {
	out := charge.Session{Party: s.Party, ID: s.ID, Pile: s.Pile, PileID: s.PileID, Start: charge.Millis(s.StartMS),
		End: charge.Millis(s.EndMS), EnergyKWh: s.EnergyKWh, VIN: s.VIN, EnergyFen: s.EnergyFen, ServiceFen: s.ServiceFen,
		ParkingFen: s.ParkingFen, TotalFen: s.TotalFen, StopReason: s.StopReason}
	for _, b := range s.Bands {
		out.Bands = append(out.Bands, charge.SessionBand{From: charge.Millis(b.FromMS), To: charge.Millis(b.ToMS),
			EnergyKWh: b.EnergyKWh, EnergyFen: b.EnergyFen, ServiceFen: b.ServiceFen})
	}
	return out
}
