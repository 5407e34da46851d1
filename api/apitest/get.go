package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// stationMembers are those that the feed has in common with GET /stations.
var stationMembers = []string{"id", "operator", "name", "nameEn", "lon", "lat", "access", "maxKw", "piles", "updatedAt"}

// Get returns the path under the API's root whose answer has what a channel
// tells, for public channels and those of regulators; false for others. The
// alarms are a page's, at most 200.
func Get(channel string) (path string, ok bool) {
	head, rest, _ := strings.Cut(channel, "/")
	all := strings.HasSuffix(head, "+")
	switch strings.TrimSuffix(head, "+") {
	case "a":
		return "/alarms?state=open&limit=200", rest == ""
	case "st":
		return "/stations/" + rest, true
	case "overview", "operators", "makers", "districts":
		return "/" + head, rest == ""
	case "s", "v":
		t, err := geo.ParseTile(rest)
		if err != nil {
			return "", false
		}
		path = "/stations?limit=200&bbox=" + box(t.Box(), 1e-6)
		if head[0] == 'v' {
			return "/vehicles?bbox=" + box(t.Box(), 1e-6), true
		}
		if all {
			path += "&access=all"
		}
		return path, true
	case "h":
		f := strings.SplitN(rest, "/", 3)
		if len(f) < 3 {
			return "", false
		}
		t, err := geo.ParseTile(f[2])
		return "/heatmap?layer=" + f[0] + "&res=" + f[1] + "&bbox=" + box(t.Box(), 0), err == nil
	}
	return "", false
}

// box prints a box that is smaller than b by edge degrees on each side.
func box(b geo.Box, edge float64) string {
	return fmt.Sprintf("%.12f,%.12f,%.12f,%.12f", b.West+edge, b.South+edge, b.East-edge, b.North-edge)
}

// State asks get, which answers GET for a path, until the last page, and
// returns what a client of the channel would know now.
func State(channel string, get func(path string) ([]byte, error)) (*Channel, error) {
	path, ok := Get(channel)
	if !ok {
		return nil, fmt.Errorf("no GET is known for %s", channel)
	}
	c := &Channel{Name: channel}
	for cursor := ""; ; {
		page := path
		if cursor != "" {
			page += "&cursor=" + url.QueryEscape(cursor)
		}
		body, err := get(page)
		if err != nil {
			return nil, err
		}
		if c.Whole == nil {
			if err := c.take(&Frame{Rev: "get.0", Full: true, Data: body}); err != nil {
				return nil, err
			}
		} else {
			var d data
			if err := json.Unmarshal(body, &d); err != nil {
				return nil, err
			}
			if err := c.merge(d.Stations); err != nil {
				return nil, err
			}
		}
		var next struct{ Next *string }
		if err := json.Unmarshal(body, &next); err != nil {
			return nil, err
		}
		if next.Next == nil {
			return c, nil
		}
		cursor = *next.Next
	}
}

// Canon prints what a client knows, in one form for frames and for GET.
func (c *Channel) Canon() string {
	var b strings.Builder
	switch head, _, _ := strings.Cut(c.Name, "/"); strings.TrimSuffix(head, "+") {
	case "h":
		for _, id := range slices.Sorted(maps.Keys(c.Cells)) {
			fmt.Fprintf(&b, "%s %v\n", id, c.Cells[id])
		}
	case "s", "v", "a":
		members := stationMembers
		if head[0] != 's' {
			members = nil
		}
		for _, id := range slices.Sorted(maps.Keys(c.Items)) {
			object(&b, c.Items[id], members)
		}
	default:
		o := maps.Clone(c.Whole)
		delete(o, "at")
		object(&b, o, nil)
	}
	return b.String()
}

// object prints the named members on a line; nil names all.
func object(b *strings.Builder, o Object, members []string) {
	if members == nil {
		members = slices.Sorted(maps.Keys(o))
	}
	for _, m := range members {
		fmt.Fprintf(b, "%s=%s ", m, o[m])
	}
	b.WriteByte('\n')
}

// Diff returns the first line in which c and what GET says differ, "" for none.
func (c *Channel) Diff(get *Channel) string {
	have, want := strings.Split(c.Canon(), "\n"), strings.Split(get.Canon(), "\n")
	for i := range max(len(have), len(want)) {
		a, b := "nothing", "nothing"
		if i < len(have) {
			a = have[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			return fmt.Sprintf("%s at %s, line %d of %d: holds %.300s; GET says %.300s", c.Name, c.Rev, i+1, len(want), a, b)
		}
	}
	return ""
}
