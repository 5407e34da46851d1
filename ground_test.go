package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// ground is a tiny map maker's server: pictures with a red square, vector
// tiles with lakes, a style for them, and the same tiles as one PMTiles file.
type ground struct {
	lakes  [][][2]float64
	square geo.Point // on the pictures' datum
}

const (
	squareM = 150  // from the middle of the red square to its sides
	extent  = 4096 // of a vector tile
)

// extended is the part of the world that a tile shows, in degrees.
var extended = box{102.16, 24.38, 103.68, 26.56}

func newGround(t *testing.T, file string, square geo.Point) *ground {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Features []struct {
			Properties struct{ K string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	g := &ground{square: square}
	for _, f := range all.Features {
		var rings [][][2]float64
		if f.Properties.K == "lake" && f.Geometry.Type == "Polygon" && json.Unmarshal(f.Geometry.Coordinates, &rings) == nil {
			g.lakes = append(g.lakes, rings[0])
		}
	}
	if len(g.lakes) == 0 {
		t.Fatal("no lakes in", file)
	}
	return g
}

func (g *ground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	var z, x, y int
	if r.URL.Path == "/style.json" {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"version":8,"sources":{"made":{"type":"vector","tiles":["http://%s/vector/{z}/{x}/{y}.mvt"],"minzoom":8,"maxzoom":10}},
			"layers":[{"id":"ground","type":"background","paint":{"background-color":"#204020"}},
			{"id":"water","type":"fill","source":"made","source-layer":"water","paint":{"fill-color":"#ff00ff"}}]}`, r.Host)
	} else if n, _ := fmt.Sscanf(r.URL.Path, "/pictures/%d/%d/%d.png", &z, &x, &y); n == 3 {
		w.Header().Set("Content-Type", "image/png")
		w.Write(g.picture(z, x, y))
	} else if n, _ := fmt.Sscanf(r.URL.Path, "/vector/%d/%d/%d.mvt", &z, &x, &y); n == 3 {
		w.Write(g.vector(z, x, y))
	} else {
		http.NotFound(w, r)
	}
}

// onTile returns where a point stands on a tile, as parts of it (Web Mercator).
func onTile(p [2]float64, z, x, y int) (float64, float64) {
	n := math.Exp2(float64(z))
	s := math.Sin(p[1] * math.Pi / 180)
	return (p[0]+180)/360*n - float64(x), (0.5-math.Log((1+s)/(1-s))/(4*math.Pi))*n - float64(y)
}

// picture draws a grey tile of 256 pixels with what of the red square lies on it.
func (g *ground) picture(z, x, y int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 256, 256))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.Gray{Y: 0x50}), image.Point{}, draw.Src)
	a, b := geo.Offset(g.square, -squareM, squareM), geo.Offset(g.square, squareM, -squareM)
	x0, y0 := onTile([2]float64{a.Lon, a.Lat}, z, x, y)
	x1, y1 := onTile([2]float64{b.Lon, b.Lat}, z, x, y)
	px := func(v float64) int { return int(math.Round(max(-1, min(2, v)) * 256)) }
	draw.Draw(img, image.Rect(px(x0), px(y0), px(x1), px(y1)), image.NewUniform(color.RGBA{R: 255, A: 255}), image.Point{}, draw.Src)
	var out bytes.Buffer
	_ = png.Encode(&out, img) // to memory
	return out.Bytes()
}

// vector encodes a Mapbox vector tile (version 2.1) with the layers earth and water; nil where there is neither.
func (g *ground) vector(z, x, y int) []byte {
	var tile []byte
	for _, layer := range []struct {
		name  string
		rings [][][2]float64
	}{{"earth", [][][2]float64{extended.ring()}}, {"water", g.lakes}} {
		var features []byte
		for _, ring := range layer.rings {
			if shape := onGrid(ring, z, x, y); len(shape) > 2 {
				feature := field(nil, 3, 3) // a polygon
				features = chunk(features, 2, chunk(feature, 4, geometry(shape)))
			}
		}
		if features != nil {
			body := append(chunk(nil, 1, []byte(layer.name)), features...)
			body = field(field(body, 5, extent), 15, 2)
			tile = chunk(tile, 3, body)
		}
	}
	return tile
}

// field and chunk append a protobuf field: a number, or bytes.
func field(dst []byte, number, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, number<<3), value)
}

func chunk(dst []byte, number uint64, body []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, number<<3|2), uint64(len(body)))
	return append(dst, body...)
}

// onGrid cuts a ring to a tile with a margin, in units of the tile.
func onGrid(ring [][2]float64, z, x, y int) [][2]float64 {
	const margin = 128
	var shape [][2]float64
	for _, p := range ring[:len(ring)-1] {
		u, v := onTile(p, z, x, y)
		shape = append(shape, [2]float64{u * extent, v * extent})
	}
	for axis := range 2 {
		for _, side := range []float64{-1, 1} { // Sutherland and Hodgman, one edge of the tile after the other
			limit := extent/2 + side*(extent/2+margin)
			inside := func(p [2]float64) bool { return side*(limit-p[axis]) >= 0 }
			var cut [][2]float64
			for i, p := range shape {
				q := shape[(i+1)%len(shape)]
				if inside(p) {
					cut = append(cut, p)
				}
				if inside(p) != inside(q) {
					part := (limit - p[axis]) / (q[axis] - p[axis])
					cut = append(cut, [2]float64{p[0] + part*(q[0]-p[0]), p[1] + part*(q[1]-p[1])})
				}
			}
			shape = cut
		}
	}
	return shape
}

// geometry writes one ring as the commands MoveTo, LineTo, ClosePath.
func geometry(shape [][2]float64) []byte {
	var out []byte
	var at [2]int64
	step := func(p [2]float64) {
		for axis := range 2 {
			v := int64(math.Round(p[axis]))
			d := v - at[axis]
			out = binary.AppendUvarint(out, uint64(d<<1^d>>63))
			at[axis] = v
		}
	}
	out = binary.AppendUvarint(out, 1<<3|1)
	step(shape[0])
	out = binary.AppendUvarint(out, uint64(len(shape)-1)<<3|2)
	for _, p := range shape[1:] {
		step(p)
	}
	return binary.AppendUvarint(out, 1<<3|7)
}

// pmtiles is a PMTiles file (version 3, nothing compressed) of the vector tiles of some zooms.
func (g *ground) pmtiles(from, to int) []byte {
	type entry struct {
		id   uint64
		tile []byte
	}
	var entries []entry
	for z := from; z <= to; z++ {
		x0, y0 := onTile([2]float64{extended[0], extended[3]}, z, 0, 0)
		x1, y1 := onTile([2]float64{extended[2], extended[1]}, z, 0, 0)
		for x := int(x0); x <= int(x1); x++ {
			for y := int(y0); y <= int(y1); y++ {
				entries = append(entries, entry{hilbert(z, x, y), g.vector(z, x, y)})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return int(a.id) - int(b.id) })

	directory := binary.AppendUvarint(nil, uint64(len(entries)))
	var before uint64
	for _, e := range entries {
		directory = binary.AppendUvarint(directory, e.id-before)
		before = e.id
	}
	for range entries {
		directory = binary.AppendUvarint(directory, 1) // tiles in a run
	}
	var tiles []byte
	for _, e := range entries {
		directory = binary.AppendUvarint(directory, uint64(len(e.tile)))
		tiles = append(tiles, e.tile...)
	}
	for i := range entries {
		directory = binary.AppendUvarint(directory, uint64(max(0, 1-i))) // one after the other
	}

	metadata := []byte(`{"vector_layers":[{"id":"earth","fields":{}},{"id":"water","fields":{}}]}`)
	const head = 127
	n := uint64(len(entries))
	end := uint64(head + len(directory))
	out := append([]byte("PMTiles"), 3)
	for _, v := range []uint64{head, uint64(len(directory)), end, uint64(len(metadata)), 0, 0,
		end + uint64(len(metadata)), uint64(len(tiles)), n, n, n} {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	out = append(out, 1, 1, 1, 1, byte(from), byte(to)) // in order, nothing compressed, vectors
	for _, v := range extended {
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(v*1e7)))
	}
	out = append(out, byte(from))
	for _, v := range extended.middle() {
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(v*1e7)))
	}
	return slices.Concat(out, directory, metadata, tiles)
}

// hilbert is a tile's number in a PMTiles file.
func hilbert(z, x, y int) uint64 {
	id := (uint64(1)<<(2*z) - 1) / 3
	for s := 1 << (z - 1); s > 0; s >>= 1 {
		rx, ry := 0, 0
		if x&s > 0 {
			rx = 1
		}
		if y&s > 0 {
			ry = 1
		}
		id += uint64(s) * uint64(s) * uint64(3*rx^ry)
		if ry == 0 {
			if rx == 1 {
				x, y = s-1-x, s-1-y
			}
			x, y = y, x
		}
	}
	return id
}
