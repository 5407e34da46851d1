package live

import "github.com/dianchi-platform/dianchi/internal/city"

// Text is what somebody wrote of a station, so that it is written once for all
// who ask. Live keeps it and does not look into it. It is never changed.
type Text struct {
	Price *city.PriceNow // it holds for as long as this is [Site.Price]
	Bytes []byte
	Cuts  [4]uint32 // for the writer's use
}

// Writer appends a station's text to dst and sets t.Cuts. The price is t.Price.
type Writer func(dst []byte, s *Site, t *Text) []byte

// Text returns what was written of the station, nil when nothing was. It may be
// of another price.
func (s *Site) Text() *Text { return s.card.Load().text.Load() }

// textsTogether is how many stations' texts are written at once.
const textsTogether = 64

// Write has write tell of the station with that price, and of those that stand
// beside it in the grid, as far as what was told of them does not hold any more.
// Who asks for one asks for its neighbours: their texts stand side by side in
// memory. Readers call it; when two do so at a time, either's texts are right.
func (s *Site) Write(price *city.PriceNow, write Writer) *Text {
	b := s.block.Load()
	cards := b.beside(s)
	if cards == nil { // it is in no block yet, or no longer
		t := &Text{Price: price}
		t.Bytes = write(nil, s, t)
		return t
	}
	var own *Text
	texts := make([]Text, len(cards))
	all := make([]byte, 0, 512*len(cards))
	for i := range cards {
		c, t := &cards[i], &texts[i]
		if t.Price = c.price.Load(); c.site == s {
			t.Price, own = price, t
		}
		from := len(all)
		if old := c.text.Load(); old != nil && old.Price == t.Price {
			t.Cuts = old.Cuts
			all = append(all, old.Bytes...)
		} else {
			all = write(all, c.site, t)
		}
		t.Bytes = all[from:]
	}
	all = append(make([]byte, 0, len(all)), all...)
	for i := range texts {
		n := len(texts[i].Bytes)
		texts[i].Bytes, all = all[:n:n], all[n:]
		cards[i].text.Store(&texts[i])
	}
	return own
}

// beside returns the cards of s and its neighbours, nil when s is not in b.
func (b *block) beside(s *Site) []card {
	if b == nil {
		return nil
	}
	for i := range b.cards {
		if b.cards[i].site == s {
			from := i - i%textsTogether
			return b.cards[from:min(from+textsTogether, len(b.cards))]
		}
	}
	return nil
}
