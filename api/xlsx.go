package api

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A spreadsheet is a zip of a few XML files (ECMA-376, Office Open XML). We
// write the few parts that a table needs; a library for all of it would be a
// quarter of the program.
const (
	xlsxTypes = `<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`
	xlsxRels = `<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	xlsxBook = `<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="data" sheetId="1" r:id="rId1"/><sheet name="about" sheetId="2" r:id="rId2"/></sheets></workbook>`
	xlsxBookRels = `<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	// Styles of cells: 0 plain, 1 bold, 2 date and time.
	xlsxStyles = `<?xml version="1.0" encoding="UTF-8"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
	xlsxSheet = `<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols><col min="1" max="64" width="20" customWidth="1"/></cols><sheetData>`
	xlsxPlain = `<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetFormatPr defaultRowHeight="15"/><cols><col min="1" max="2" width="40" customWidth="1"/></cols><sheetData>`
	xlsxEnd = `</sheetData></worksheet>`

	maxCellText = 32_767 // characters that a cell holds, in UTF-16
)

// about is the second sheet: what the first one is.
type about struct {
	rows [][2]string
	zone *time.Location // of the times in the first one
}

func (a *API) about(rq *request, t *table) about {
	zone := time.UTC
	if a.deps.City != nil && a.deps.City.Zone != nil {
		zone = a.deps.City.Zone
	}
	crs := "WGS-84"
	if t.gcj {
		crs = "GCJ-02"
	}
	more := "no 否"
	if t.next != "" {
		more = "yes, ask with cursor=" + t.next + " 有后续页"
	}
	if t.truncated {
		more = "yes, the box holds more than one answer can 数据被截断，请缩小范围"
	}
	return about{zone: zone, rows: [][2]string{
		{"request 请求", rq.URL.EscapedPath() + "?" + rq.URL.RawQuery},
		{"as of 数据时间 (UTC)", t.at},
		{"zone of times 时区", zone.String()},
		{"positions 坐标系", crs},
		{"rows 行数", strconv.Itoa(len(t.rows))},
		{"more pages 更多", more},
	}}
}

// appendXLSX appends the workbook. The same table gives the same bytes.
func (t *table) appendXLSX(b []byte, about about) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	z := zip.NewWriter(buf)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	part := func(name string, body ...[]byte) error {
		w, err := z.Create(name)
		if err != nil {
			return err
		}
		for _, p := range body {
			if _, err := w.Write(p); err != nil {
				return err
			}
		}
		return nil
	}
	data := []byte(xlsxSheet)
	data = append(data, "<row>"...)
	for _, name := range t.header() {
		data = appendXLSXText(data, name, 1)
	}
	data = append(data, "</row>"...)
	for _, row := range t.rows {
		data = append(data, "<row>"...)
		for _, c := range row {
			data = appendXLSXCell(data, c, about.zone)
		}
		data = append(data, "</row>"...)
	}
	data = append(data, xlsxEnd...)
	facts := []byte(xlsxPlain)
	for _, row := range about.rows {
		facts = append(facts, "<row>"...)
		facts = appendXLSXText(appendXLSXText(facts, row[0], 1), row[1], 0)
		facts = append(facts, "</row>"...)
	}
	facts = append(facts, xlsxEnd...)
	for _, p := range []struct {
		name string
		body []byte
	}{
		{"[Content_Types].xml", []byte(xlsxTypes)}, {"_rels/.rels", []byte(xlsxRels)},
		{"xl/workbook.xml", []byte(xlsxBook)}, {"xl/_rels/workbook.xml.rels", []byte(xlsxBookRels)},
		{"xl/styles.xml", []byte(xlsxStyles)}, {"xl/worksheets/sheet1.xml", data}, {"xl/worksheets/sheet2.xml", facts},
	} {
		if err := part(p.name, p.body); err != nil {
			return nil, fmt.Errorf("cannot write %s of a workbook: %w", p.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("cannot write a workbook: %w", err)
	}
	return buf.Bytes(), nil
}

// appendXLSXCell appends numbers as numbers, times as dates of zone, all else as
// text: nothing is ever a formula.
func appendXLSXCell(b []byte, c cell, zone *time.Location) []byte {
	switch {
	case c == nil:
		return append(b, "<c/>"...)
	case c[0] == 't' || c[0] == 'f':
		v := byte('0')
		if c[0] == 't' {
			v = '1'
		}
		b = append(append(b, `<c t="b"><v>`...), v)
		return append(b, "</v></c>"...)
	case c[0] == '-' || c[0] >= '0' && c[0] <= '9':
		b = append(append(b, "<c><v>"...), c...)
		return append(b, "</v></c>"...)
	}
	if len(c) == len(`"2026-11-23T04:00:01.000Z"`) && c[11] == 'T' {
		if at, err := time.Parse(time.RFC3339, string(c[1:len(c)-1])); err == nil {
			_, offset := at.In(zone).Zone()
			day := float64(at.UnixMilli()+int64(offset)*1000)/(24*3600*1000) + 25569 // days since the end of 1899
			b = strconv.AppendFloat(append(b, `<c s="2"><v>`...), day, 'f', 8, 64)
			return append(b, "</v></c>"...)
		}
	}
	return appendXLSXText(b, c.text(), 0)
}

func appendXLSXText(b []byte, s string, style int) []byte {
	b = append(b, `<c t="inlineStr"`...)
	if style != 0 {
		b = append(strconv.AppendInt(append(b, ` s="`...), int64(style), 10), '"')
	}
	b = append(b, `><is><t xml:space="preserve">`...)
	if len(s) > maxCellText {
		s = string([]rune(s)[:min(len([]rune(s)), maxCellText/2)])
	}
	if strings.Contains(s, "_x") {
		s = strings.ReplaceAll(s, "_x", "_x005F_x") // else _x0041_ reads A (ECMA-376 part 1, 22.4.2.4)
	}
	var esc bytes.Buffer
	_ = xml.EscapeText(&esc, []byte(s)) // a buffer takes everything
	b = append(b, esc.Bytes()...)
	return append(b, "</t></is></c>"...)
}
