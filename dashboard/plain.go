package dashboard

import (
	"bytes"
	"cmp"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// plainPages are the pages that need nothing but HTML.
type plainPages struct {
	cfg   Config
	data  Data
	pages *template.Template
	style []byte
}

func newPlain(cfg Config, data Data) *plainPages {
	style, err := fallbackFiles.ReadFile("fallback/plain.css")
	if err != nil {
		panic("dashboard: " + err.Error()) // embedded, so it is there
	}
	pages := template.Must(template.ParseFS(fallbackFiles, "fallback/*.html"))
	return &plainPages{cfg, data, pages, style}
}

// view is what every plain page is drawn from.
type view struct {
	T         map[string]string // texts in the reader's language
	Lang      string            // "zh-CN" or "en"
	Title     string
	City      string
	OtherLang string // link to the same page in the other language
	Overview  Overview
	Age       string
	Operators []operatorRow
	Stations  []Station
	Places    []Place
	Place     int
	Free      bool
	Text      string // what is wrong, and what may help
	Status    int    // of the answer
	Asked     string // the path that was asked for
	At        string // when, in the city's time
	p         *plainPages
}

type operatorRow struct {
	Operator
	Rank int
}

func (p *plainPages) city(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	v.Title = v.T["cityTitle"]
	v.Overview = p.data.Overview()
	v.Age = v.age(v.Overview.At)
	for _, o := range p.data.Operators() {
		v.Operators = append(v.Operators, operatorRow{Operator: o})
	}
	slices.SortStableFunc(v.Operators, func(a, b operatorRow) int {
		return cmp.Or(cmp.Compare(b.Piles.Total, a.Piles.Total), cmp.Compare(a.ID, b.ID))
	})
	for i := range v.Operators {
		v.Operators[i].Rank = i + 1
	}
	p.render(w, r, http.StatusOK, "city.html", v)
}

func (p *plainPages) stations(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	v.Title = v.T["stationsTitle"]
	v.Free = r.FormValue("free") == "1"
	v.Places = p.cfg.Places
	if n, err := strconv.Atoi(r.FormValue("place")); err == nil && n >= 0 && n < len(v.Places) {
		v.Place = n
	}
	if len(v.Places) > 0 {
		at := v.Places[v.Place]
		v.Stations = p.data.Nearest(at.Lon, at.Lat, 20, v.Free)
	}
	p.render(w, r, http.StatusOK, "stations.html", v)
}

// desk says how a party reads its figures where the pages are not built.
func (p *plainPages) desk(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	v.Title = v.T["deskTitle"]
	p.render(w, r, http.StatusOK, "desk.html", v)
}

func (p *plainPages) css(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.style))
}

func (p *plainPages) render(w http.ResponseWriter, r *http.Request, status int, name string, v *view) {
	var b bytes.Buffer
	if err := p.pages.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = b.WriteTo(w) // the reader has gone; nobody is left to tell
	}
}

// view chooses the language: `lang` in the address, else the first of the
// browser's languages that we have, else Chinese.
func (p *plainPages) view(r *http.Request) *view {
	lang := language(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	v := &view{T: texts[lang], Lang: lang, City: p.cfg.City, p: p}
	other := "en"
	if lang == "en" {
		other = "zh"
		v.City = cmp.Or(p.cfg.CityEn, p.cfg.City)
	}
	q := r.URL.Query()
	q.Set("lang", other)
	v.OtherLang = "?" + q.Encode()
	return v
}

func language(asked, accepted string) string {
	for tag := range strings.SplitSeq(asked+","+accepted, ",") {
		switch tag = strings.ToLower(strings.TrimSpace(tag)); {
		case strings.HasPrefix(tag, "zh"):
			return "zh-CN"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "zh-CN"
}

// Name picks the name for the reader's language.
func (v *view) Name(zh, en string) string {
	if v.Lang == "en" && en != "" {
		return en
	}
	return zh
}

// Int groups digits by thousands.
func (v *view) Int(n int) string { return group(int64(n)) }

// MW prints kilowatts as megawatts with one digit.
func (v *view) MW(kw float64) string {
	whole := math.Round(kw / 100)
	s := group(int64(whole) / 10)
	return s + "." + strconv.Itoa(int(math.Abs(math.Mod(whole, 10))))
}

// Share prints part of total in per cent, or a dash where there is no total.
func (v *view) Share(part, total int) string {
	if total <= 0 {
		return "–"
	}
	return strconv.FormatFloat(100*float64(part)/float64(total), 'f', 1, 64) + "%"
}

// Online counts the piles that are heard from.
func (v *view) Online(c charge.PileCounts) int { return c.Total - c.Offline }

// Yuan prints a price given in 0.0001 yuan, half up to the fen.
func (v *view) Yuan(e4 int64) string {
	fen := (e4 + 50) / 100
	return "¥" + strconv.FormatInt(fen/100, 10) + "." + strconv.FormatInt(fen%100+100, 10)[1:]
}

// ParkingText says what parking costs, with the operator's own words where
// there are some; what is not known is to be asked on site, never free.
func (v *view) ParkingText(p *charge.Parking) string {
	if p == nil {
		return v.T["ask"]
	}
	var said []string
	switch p.Type {
	case charge.ParkingFree:
		said = append(said, v.T["parkFree"])
	case charge.ParkingPaid:
		said = append(said, v.T["parkPaid"])
	case charge.ParkingLimited:
		said = append(said, v.T["parkLimited"])
	case charge.ParkingReduced:
		said = append(said, v.T["parkReduced"])
	default:
		return cmp.Or(p.Text, v.T["ask"])
	}
	if strings.Contains(p.Text, said[0]) {
		return p.Text
	}
	if p.Text != "" {
		return said[0] + " · " + p.Text
	}
	if p.FreeMinutes > 0 {
		said = append(said, strings.Replace(v.T["freeMin"], "{n}", strconv.FormatInt(p.FreeMinutes, 10), 1))
	}
	if p.Type != charge.ParkingFree && p.FenPerHour > 0 {
		said = append(said, strings.Replace(v.T["perHour"], "{y}", v.Yuan(100*p.FenPerHour), 1))
	}
	return strings.Join(said, " · ")
}

// Distance prints metres below a kilometre, else kilometres with one digit.
func (v *view) Distance(m float64) string {
	if m < 995 {
		return strconv.Itoa(int(math.Round(m/10)*10)) + " " + v.T["m"]
	}
	return strconv.FormatFloat(m/1000, 'f', 1, 64) + " " + v.T["km"]
}

// Clock prints a moment as the city's hour and minute.
func (v *view) Clock(t charge.Millis) string { return t.Time().In(v.p.cfg.Zone).Format("15:04") }

// Updated says how old a report is.
func (v *view) Updated(t charge.Millis) string { return v.age(t) }

func (v *view) age(t charge.Millis) string {
	if t == 0 {
		return v.T["never"]
	}
	s := max(0, int64(time.Since(t.Time()).Seconds()))
	n, unit := s, "secAgo"
	switch {
	case s >= 48*3600:
		n, unit = s/86400, "dayAgo"
	case s >= 2*3600:
		n, unit = s/3600, "hourAgo"
	case s >= 120:
		n, unit = s/60, "minAgo"
	}
	return strings.Replace(v.T[unit], "{n}", strconv.FormatInt(n, 10), 1)
}

func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
