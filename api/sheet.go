package api

import (
	"bytes"
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// sheet says how a resource's JSON answer is read as a table, for CSV, GeoJSON
// and XLSX. Columns are members by their path, such as piles.free; they do not
// depend on what an answer has, so that files can be put under each other. A
// test holds them against the answers.
type sheet struct {
	name     string   // of files
	list     string   // the member with the rows; an object is one row
	columns  []string // nil: the answer names them itself, as history does
	geometry geometry
	paged    bool // the answer has the member next
	read     func(*table, []byte) error
}

// geometry is what a row is on a map.
type geometry uint8

const (
	nowhere geometry = iota
	atPoint          // columns lon and lat
	inCell           // column cell
)

// table is an answer in rows. Its cells are JSON as it stands in the answer.
type table struct {
	columns []string
	rows    [][]cell
	at      string // when it was so, as in JSON; "" when the answer does not say
	gcj     bool   // positions are GCJ-02
	next    string // cursor of the next page

	truncated bool // there is more than one answer holds
}

// cell is a JSON value; nil is null.
type cell []byte

func (c cell) isText() bool { return len(c) > 0 && c[0] == '"' }

// text returns what people read: of text the text, of all else the JSON.
func (c cell) text() string {
	if c.isText() {
		return unquote(c)
	}
	return string(c)
}

// eachMember calls f for the members of a JSON object of ours, whose names have
// no escapes.
func eachMember(obj []byte, f func(name, value []byte)) {
	for i := skipSpace(obj, 1); obj[i] != '}'; {
		end := skipValue(obj, i)
		name := obj[i+1 : end-1]
		i = skipSpace(obj, skipSpace(obj, end)+1)
		end = skipValue(obj, i)
		f(name, obj[i:end])
		if i = skipSpace(obj, end); obj[i] == ',' {
			i = skipSpace(obj, i+1)
		}
	}
}

// eachElement calls f for the elements of a JSON array.
func eachElement(arr []byte, f func(value []byte)) {
	for i := skipSpace(arr, 1); arr[i] != ']'; {
		end := skipValue(arr, i)
		f(arr[i:end])
		if i = skipSpace(arr, end); arr[i] == ',' {
			i = skipSpace(arr, i+1)
		}
	}
}

// table reads an answer of ours, which is valid JSON.
func (s *sheet) table(body []byte) (*table, error) {
	t := &table{columns: s.columns}
	var list, names []byte
	eachMember(body, func(name, value []byte) {
		switch string(name) {
		case s.list:
			list = value
		case "columns":
			names = value
		case "at":
			t.at = cell(value).text()
		case "crs":
			t.gcj = string(value) == `"gcj02"`
		case "truncated":
			t.truncated = value[0] == 't'
		case "next":
			if value[0] == '"' {
				t.next = unquote(value)
			}
		}
	})
	if list == nil {
		return nil, fmt.Errorf("the answer has no %s", s.list)
	}
	if s.read != nil {
		return t, s.read(t, list)
	}
	if s.columns == nil {
		eachElement(names, func(v []byte) { t.columns = append(t.columns, unquote(v)) })
		eachElement(list, func(row []byte) {
			cells := make([]cell, 0, len(t.columns))
			eachElement(row, func(v []byte) { cells = append(cells, known(v)) })
			t.rows = append(t.rows, cells)
		})
		return t, nil
	}
	place := make(map[string]int, len(t.columns))
	for i, c := range t.columns {
		place[c] = i
	}
	add := func(obj []byte) {
		row := make([]cell, len(t.columns))
		fill(row, place, nil, obj)
		t.rows = append(t.rows, row)
	}
	if list[0] == '{' {
		add(list)
		return t, nil
	}
	eachElement(list, add)
	return t, nil
}

// fill puts the members of obj, which stands at path, into their columns.
func fill(row []cell, place map[string]int, path, obj []byte) {
	eachMember(obj, func(name, value []byte) {
		full := append(path[:len(path):len(path)], name...)
		if i, ok := place[string(full)]; ok {
			row[i] = known(value)
		} else if value[0] == '{' {
			fill(row, place, append(full, '.'), value)
		}
	})
}

func known(v []byte) cell {
	if v[0] == 'n' {
		return nil
	}
	return v
}

// readHeat reads [["88…",value],…]; a cell is shown with its middle.
func readHeat(t *table, list []byte) (err error) {
	eachElement(list, func(pair []byte) {
		row := make([]cell, 0, 4)
		eachElement(pair, func(v []byte) { row = append(row, v) })
		c, e := geo.ParseCell(row[0].text())
		if e != nil {
			err = e
			return
		}
		t.rows = append(t.rows, append(row, middle(c)...))
	})
	return err
}

// readCells reads {"88…":[[lon,lat],…],…}; the outline is WKT.
func readCells(t *table, obj []byte) (err error) {
	eachMember(obj, func(name, ring []byte) {
		c, e := geo.ParseCell(string(name))
		if e != nil {
			err = e
			return
		}
		var wkt bytes.Buffer
		wkt.WriteString(`"POLYGON ((`)
		first := ""
		eachElement(ring, func(corner []byte) {
			at := string(bytes.Replace(corner[1:len(corner)-1], []byte{','}, []byte{' '}, 1))
			if first == "" {
				first = at
			}
			wkt.WriteString(at + ", ")
		})
		wkt.WriteString(first + `))"`)
		row := append([]cell{cell(`"` + string(name) + `"`)}, middle(c)...)
		t.rows = append(t.rows, append(row, wkt.Bytes()))
	})
	return err
}

// middle returns lon and lat of a cell's centre.
func middle(c geo.Cell) []cell {
	p := c.Center()
	return []cell{appendFixed(nil, p.Lon, 6), appendFixed(nil, p.Lat, 6)}
}
