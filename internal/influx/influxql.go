package influx

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// influxQL asks InfluxDB 1.8 and gives each point to take, in the order of time.
// CSV is the leanest form of answer that needs no other library.
func (r *Reader) influxQL(ctx context.Context, q *question, take func(*point) error) error {
	service, err := r.link.get()
	if err != nil {
		return err
	}
	db, policy, _ := strings.Cut(q.bucket, "/")
	var s strings.Builder
	s.WriteString("SELECT ")
	if q.refs {
		s.WriteString(`"has","same",`)
	}
	for i, c := range q.cols {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString(identifier(c.name))
	}
	fmt.Fprintf(&s, " FROM %s.%s.%s WHERE ", identifier(db), identifier(policy), identifier(q.measurement))
	if q.scope != "" {
		fmt.Fprintf(&s, `"scope"=%s AND `, literal(q.scope))
	}
	fmt.Fprintf(&s, `"id"=%s AND time >= %d AND time < %d`, literal(q.id), q.from, q.to)

	address := strings.TrimSuffix(service.ServerURL(), "/") + "/query?" + url.Values{
		"db": {db}, "epoch": {"ns"}, "q": {s.String()},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/csv")
	resp, err := service.DoHTTPRequestWithResponse(req, nil)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its text has the whole query, and with it a VIN
		}
		return fmt.Errorf("cannot ask InfluxDB: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return fmt.Errorf("InfluxDB answered %d: %s", resp.StatusCode, b)
	}
	return readCSV(resp.Body, q, take)
}

// readCSV reads an answer: name, tags, time, then the selected columns. An error
// of the statement comes as a table whose only column is "error".
func readCSV(body io.Reader, q *question, take func(*point) error) error {
	in := csv.NewReader(bufio.NewReaderSize(body, 64<<10))
	in.ReuseRecord = true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil // no rows at all
	}
	if err != nil {
		return fmt.Errorf("cannot read InfluxDB's answer: %w", err)
	}
	first := 3 // name, tags, time
	if q.refs {
		first += 2
	}
	if len(head) != first+len(q.cols) {
		in.FieldsPerRecord = -1
		row, _ := in.Read()
		return fmt.Errorf("InfluxDB answered %q", row)
	}
	p := point{values: make([]any, len(q.cols))}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read InfluxDB's answer: %w", err)
		}
		if p.ns, err = strconv.ParseInt(row[2], 10, 64); err != nil {
			return fmt.Errorf("cannot read InfluxDB's answer: %w", err)
		}
		p.whole, p.ref = !q.refs, false
		if q.refs {
			if p.has, p.whole, err = readInt(row[3]); err != nil {
				return err
			}
			if p.same, p.ref, err = readInt(row[4]); err != nil {
				return err
			}
		}
		for i, c := range q.cols {
			if p.values[i], err = readCell(c, row[first+i]); err != nil {
				return err
			}
		}
		if err := take(&p); err != nil {
			return err
		}
	}
}

func readInt(cell string) (v int64, there bool, err error) {
	if cell == "" {
		return 0, false, nil
	}
	if v, err = strconv.ParseInt(cell, 10, 64); err != nil {
		return 0, false, fmt.Errorf("cannot read InfluxDB's answer: %w", err)
	}
	return v, true, nil
}

// readCell returns a cell's value, nil when there is none.
func readCell(c column, cell string) (any, error) {
	if cell == "" {
		return nil, nil
	}
	switch c.kind {
	case text:
		return cell, nil
	case integer:
		v, _, err := readInt(cell)
		return v, err
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return nil, fmt.Errorf("cannot read InfluxDB's answer: %w", err)
	}
	return v, nil
}

// identifier quotes a name, literal a text, as InfluxQL reads them.
func identifier(s string) string { return `"` + escape.Replace(s) + `"` }

func literal(s string) string { return "'" + escape.Replace(s) + "'" }

var escape = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`)
