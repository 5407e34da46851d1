package api

import "github.com/dianchi-platform/dianchi/internal/charge"

// me answers who the token is: what a page needs to know before it shows
// anything of a party.
func (a *API) me(rq *request, w *answer) error {
	w.cache = "no-store" // the same address answers everybody differently
	w.obj("")
	w.str("role", rq.who.role.String())
	p, ok := a.partyOf(rq.who)
	if !ok {
		w.null("party")
		w.endObj()
		return nil
	}
	w.obj("party")
	w.str("id", p.Slug)
	w.str("kind", p.Kind.String())
	w.str("name", p.Name)
	w.strOrNull("nameEn", p.NameEn)
	w.endObj()
	w.endObj()
	return nil
}

// partyOf returns the party of who asks; regulators and drivers have none.
func (a *API) partyOf(who identity) (charge.Party, bool) {
	if who.party == 0 {
		return charge.Party{}, false
	}
	parties, _ := a.deps.Auth.Access()
	for _, p := range parties {
		if p.Num == who.party {
			return p, true
		}
	}
	return charge.Party{}, false
}
