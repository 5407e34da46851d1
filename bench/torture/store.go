package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// store is an InfluxDB 1.8, asked directly.
type store struct {
	url, user, password   string
	database, raw, totals string
}

var portIn = regexp.MustCompile(`port=(\d+)`)

// bundledStore returns the InfluxDB of a data folder.
func bundledStore(dir string) (store, error) {
	place, err := os.ReadFile(filepath.Join(dir, "influxd.pid"))
	if err != nil {
		return store{}, err
	}
	m := portIn.FindSubmatch(place)
	if m == nil {
		return store{}, fmt.Errorf("%q names no port", place)
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	return store{url: "http://127.0.0.1:" + string(m[1]), user: "dianchi", password: strings.TrimSpace(string(password)),
		database: "dianchi", raw: "raw", totals: "totals"}, err
}

var storeClient = &http.Client{Timeout: 10 * time.Minute}

// ask runs a statement and returns the answer as CSV.
func (s store) ask(ctx context.Context, q string) (io.ReadCloser, error) {
	form := url.Values{"db": {s.database}, "q": {q}, "epoch": {"ns"}, "chunked": {"true"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/csv")
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password)
	}
	res, err := storeClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		res.Body.Close()
		return nil, fmt.Errorf("InfluxDB answers %s: %s", res.Status, b)
	}
	return res.Body, nil
}

// query runs a short statement and returns the whole answer.
func (s store) query(ctx context.Context, q string) (string, error) {
	body, err := s.ask(ctx, q)
	if err != nil {
		return "", err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err == nil && bytes.HasPrefix(b, []byte("error")) {
		err = fmt.Errorf("InfluxDB answers %s", b)
	}
	return string(b), err
}

// point is what stands in InfluxDB at one time.
type point struct {
	id    string // only valid during the call
	ns    int64
	ref   int64  // of a reference: ts of the whole point; 0 of a whole one
	print uint64 // of a whole point's members
}

// points gives every point of a measurement with from ≤ time < to (ns) to take,
// object by object in the order of time. It reads on its own: a whole point has
// the members that the bits of has name, a reference has same alone.
func (s store) points(ctx context.Context, measurement string, members []member, from, to int64, take func(*point)) error {
	body, err := s.ask(ctx, fmt.Sprintf(`SELECT * FROM "%s"."%s" WHERE time >= %d AND time < %d GROUP BY "id"`,
		s.raw, measurement, from, to))
	if err != nil {
		return err
	}
	defer body.Close()
	return readPoints(body, members, take)
}

func readPoints(r io.Reader, members []member, take func(*point)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	var place []int // of each column: in members, or one of the marks
	const time, has, same, other = -1, -2, -3, -4
	tags := -1
	var p point
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			place = nil
			continue
		}
		if place == nil {
			names := strings.Split(string(line), ",")
			if names[0] != "name" {
				return fmt.Errorf("InfluxDB answers %q", line)
			}
			for i, name := range names {
				at := other
				switch name {
				case "time":
					at = time
				case "has":
					at = has
				case "same":
					at = same
				case "tags":
					tags = i
				}
				for k := range members {
					if members[k].name == name {
						at = k
					}
				}
				place = append(place, at)
			}
			continue
		}
		var cells [20][]byte
		rest := line
		for i := range place {
			if i >= len(cells) {
				return fmt.Errorf("too many columns: %q", line)
			}
			cells[i], rest, _ = bytes.Cut(rest, []byte{','})
		}
		p = point{id: strings.TrimPrefix(string(cells[tags]), "id=")}
		whole := false
		var texts [16][]byte
		var err error
		for i, at := range place {
			cell := cells[i]
			switch {
			case at == time:
				p.ns, err = strconv.ParseInt(string(cell), 10, 64)
			case at == has && len(cell) > 0:
				whole = true
			case at == same && len(cell) > 0:
				p.ref, err = strconv.ParseInt(string(cell), 10, 64)
			case at >= 0:
				texts[at] = cell
			}
			if err != nil {
				return fmt.Errorf("cannot read %q: %w", line, err)
			}
		}
		if whole {
			p.ref = 0
			h := fnv.New64a()
			for k, m := range members {
				if len(texts[k]) == 0 {
					continue
				}
				number, err := 0.0, error(nil)
				if !m.text {
					if number, err = strconv.ParseFloat(string(texts[k]), 64); err != nil {
						return fmt.Errorf("cannot read %q: %w", line, err)
					}
				}
				printMember(h, m, number, string(texts[k]))
			}
			p.print = h.Sum64()
		} else if p.ref == 0 {
			return fmt.Errorf("neither whole nor a reference: %q", line)
		}
		take(&p)
	}
	return lines.Err()
}

// count returns how many raw points there are with from ≤ ts < to (ms). One that
// was written as a reference and, after a start, again as a whole has both.
func (s store) count(ctx context.Context, from, to int64) (sum int, err error) {
	for _, m := range []string{"pile", "vehicle"} {
		span := fmt.Sprintf(`FROM "%s"."%s" WHERE time >= %d AND time < %d`, s.raw, m, from*1e6, to*1e6)
		either, err := s.counts(ctx, `SELECT count("has"), count("same") `+span)
		if err != nil {
			return 0, err
		}
		both, err := s.counts(ctx, `SELECT count("has") `+span+` AND "same" > 0`)
		if err != nil {
			return 0, err
		}
		sum += either - both
	}
	return sum, nil
}

// counts returns the sum of a query's counts.
func (s store) counts(ctx context.Context, query string) (sum int, err error) {
	text, err := s.query(ctx, query)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 {
		return 0, nil
	}
	for _, cell := range strings.Split(lines[1], ",")[3:] {
		if cell == "" {
			continue
		}
		n, err := strconv.Atoi(cell)
		if err != nil {
			return 0, fmt.Errorf("no count in %q", text)
		}
		sum += n
	}
	return sum, nil
}
