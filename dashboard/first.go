package dashboard

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// firstMark is where a built page takes in what it shows before its code runs.
const firstMark = "<!--first-->"

// first serves the wall with the figures of the moment in it: they are read
// and painted before any code has come, and the code begins with them.
type first struct {
	plain         *plainPages
	before, after []byte
}

// newFirst returns nil for a page without the mark.
func newFirst(plain *plainPages, page *file) *first {
	before, after, ok := bytes.Cut(page.plainBytes(), []byte(firstMark))
	if !ok {
		return nil
	}
	return &first{plain, before, after}
}

// The rows are those of the interface, as far as the pages read them.
type (
	firstData struct {
		At        int64           `json:"at"`
		City      firstCity       `json:"city"`
		Overview  firstOverview   `json:"overview"`
		Operators []firstOperator `json:"operators"`
	}
	firstCity struct {
		Name   string `json:"name"`
		NameEn string `json:"nameEn"`
		Zone   string `json:"zone"`
	}
	firstOverview struct {
		Vehicles  vehicleCounts `json:"vehicles"`
		Piles     pileCounts    `json:"piles"`
		PowerKW   float64       `json:"powerKw"`
		Stations  int           `json:"stations"`
		Operators int           `json:"operators"`
		Makers    int           `json:"makers"`
	}
	firstOperator struct {
		ID       string     `json:"id"`
		Name     string     `json:"name"`
		NameEn   string     `json:"nameEn,omitempty"`
		Stations int        `json:"stations"`
		Piles    pileCounts `json:"piles"`
		PowerKW  float64    `json:"powerKw"`
	}
	pileCounts struct {
		Total    int `json:"total"`
		Free     int `json:"free"`
		InUse    int `json:"inUse"`
		Charging int `json:"charging"`
		Reserved int `json:"reserved"`
		Fault    int `json:"fault"`
		Offline  int `json:"offline"`
	}
	vehicleCounts struct {
		Total    int `json:"total"`
		Online   int `json:"online"`
		Driving  int `json:"driving"`
		Charging int `json:"charging"`
		Alarm    int `json:"alarm"`
	}
)

func pilesOf(c charge.PileCounts) pileCounts {
	return pileCounts{c.Total, c.Free, c.InUse, c.Charging, c.Reserved, c.Fault, c.Offline}
}

func (f *first) data() firstData {
	cfg, o := &f.plain.cfg, f.plain.data.Overview()
	d := firstData{
		At: int64(o.At), City: firstCity{cfg.City, cfg.CityEn, cfg.Zone.String()},
		Overview: firstOverview{
			Vehicles: vehicleCounts{o.Vehicles.Total, o.Vehicles.Online, o.Vehicles.Driving, o.Vehicles.Charging, o.Vehicles.Alarm},
			Piles:    pilesOf(o.Piles), PowerKW: o.PowerKW, Stations: o.Stations, Operators: o.Operators, Makers: o.Makers,
		},
	}
	d.Operators = []firstOperator{} // an empty city has none, and the page reads a list
	for _, r := range f.plain.data.Operators() {
		d.Operators = append(d.Operators, firstOperator{r.ID, r.Name, r.NameEn, r.Stations, pilesOf(r.Piles), r.PowerKW})
	}
	return d
}

var firstPaint = template.Must(template.New("first").Parse(
	`<div class="boot"><h1>{{.Title}}</h1><dl>{{range .Figures}}<div><dt>{{.Name}}</dt><dd class="num">{{.Value}}</dd></div>{{end}}</dl></div>`))

func (f *first) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, d := f.plain.view(r), f.data()
	var body bytes.Buffer
	body.Write(f.before)
	if d.At > 0 {
		v.Title = v.City + " " + v.T["cityTitle"]
		type figure struct{ Name, Value string }
		o := d.Overview
		err := firstPaint.Execute(&body, struct {
			Title   string
			Figures []figure
		}{v.Title, []figure{
			{v.T["charging"], v.Int(o.Piles.Charging)},
			{v.T["power"], v.MW(o.PowerKW) + " MW"},
			{v.T["free"], v.Int(o.Piles.Free)},
			{v.T["vehicles"], v.Int(o.Vehicles.Online)},
			{v.T["online"], v.Int(o.Piles.Total - o.Piles.Offline)},
			{v.T["fault"], v.Int(o.Piles.Fault)},
		}})
		text, wrong := json.Marshal(d) // escapes < and >, so that no name ends the element
		if err == nil && wrong == nil {
			body.WriteString(`<script type="application/json" id="first">`)
			body.Write(text)
			body.WriteString("</script>")
		}
	}
	body.Write(f.after)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // the viewer has gone; nobody is left to tell
	}
}
