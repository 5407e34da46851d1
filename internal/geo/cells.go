package geo

import "math"

// Constants of H3's grid: the angle between grids of odd and even resolutions
// and the size of resolution 0 on a face.
const (
	classIIISin   = 0.32732683535398857189914622812342917778268926 // sin of 0.3334731722518321 rad
	classIIICos   = 0.94491118252306806803628274244221117107780866
	res0Gnomonic  = 0.38196601125010500003
	sqrt7         = 2.6457513110645905905
	sin60         = 0.86602540378443864676
	cellMode      = uint64(1) << 59
	baseCellShift = 45
)

// face is a plane that touches the sphere at center; x and y are H3's axes on
// it at even resolutions.
type face struct{ center, x, y [3]float64 }

var faces = func() (out [20]face) {
	for i, t := range faceTable {
		sinLat, cosLat := math.Sincos(t[0])
		sinLon, cosLon := math.Sincos(t[1])
		sinAz, cosAz := math.Sincos(t[2])
		f := &out[i]
		f.center = [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
		north := [3]float64{-sinLat * cosLon, -sinLat * sinLon, cosLat}
		east := [3]float64{-sinLon, cosLon, 0}
		for a := range 3 { // azimuths turn clockwise, H3's angles do not
			f.x[a] = north[a]*cosAz + east[a]*sinAz
			f.y[a] = north[a]*sinAz - east[a]*cosAz
		}
	}
	return out
}()

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// ijk is a place in a face's hexagonal grid: none below 0 and at least one 0.
type ijk struct{ i, j, k int }

func (c ijk) normal() ijk {
	least := min(c.i, c.j, c.k)
	return ijk{c.i - least, c.j - least, c.k - least}
}

// CellsAt sets out[r] to the cell of resolution r in which p lies, for each r
// from lo to hi (0 to [MaxCellRes], below len(out)). It returns what [CellAt]
// does, for all of them in a fraction of the time of one call into C. A coarser
// cell is not always the parent of a finer one: H3's cells do not nest exactly.
func CellsAt(p Point, lo, hi int, out []Cell) {
	const rad = math.Pi / 180
	sinLat, cosLat := math.Sincos(p.Lat * rad)
	sinLon, cosLon := math.Sincos(p.Lon * rad)
	v := [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
	best, near := 0, -1.0
	for i := range faces {
		if d := dot(v, faces[i].center); d > near {
			best, near = i, d
		}
	}
	x := dot(v, faces[best].x) / near / res0Gnomonic
	y := dot(v, faces[best].y) / near / res0Gnomonic
	var direct [MaxCellRes + 1]ijk
	scale := 1.0
	for r := 0; r <= hi; r++ {
		if r >= lo {
			a, b := x*scale, y*scale
			if r%2 == 1 {
				a, b = a*classIIICos+b*classIIISin, b*classIIICos-a*classIIISin
			}
			direct[r] = hexAt(a, b)
		}
		scale *= sqrt7
	}
	var path [MaxCellRes + 1]ijk // the parents of the last cell that was made
	for r := hi; r >= lo; r-- {
		if r < hi && path[r] == direct[r] {
			out[r] = out[r+1].Parent(r)
			continue
		}
		cell, ok := cellOf(best, direct[r], r, &path)
		if !ok {
			cell = CellAt(p, r)
			path[r] = ijk{-1, -1, -1}
			if r > 0 {
				path[r-1] = ijk{-1, -1, -1}
			}
		}
		out[r] = cell
	}
}

// cellOf makes the index of the cell at c of a face, and leaves its parents'
// places in path. It is false for pentagons and what touches several faces.
func cellOf(face int, c ijk, res int, path *[MaxCellRes + 1]ijk) (Cell, bool) {
	var digits [MaxCellRes + 1]uint8
	for r := res; r > 0; r-- {
		path[r] = c
		var up, center ijk
		if a, b := c.i-c.k, c.j-c.k; r%2 == 1 {
			up = ijk{seventh(3*a - b), seventh(a + 2*b), 0}.normal()
			center = ijk{3*up.i + up.j, 3*up.j + up.k, up.i + 3*up.k}
		} else {
			up = ijk{seventh(2*a + b), seventh(3*b - a), 0}.normal()
			center = ijk{3*up.i + up.k, up.i + 3*up.j, up.j + 3*up.k}
		}
		d := ijk{c.i - center.i, c.j - center.j, c.k - center.k}.normal()
		digits[r] = uint8(d.i<<2 | d.j<<1 | d.k)
		c = up
	}
	path[0] = c
	if max(c.i, c.j, c.k) > 2 {
		return 0, false
	}
	base := baseCells[face][c.i*9+c.j*3+c.k]
	for _, p := range pentagons {
		if base>>3 == p {
			return 0, false
		}
	}
	turn := &turned[base&7]
	h := cellMode | uint64(res)<<cellResShift | uint64(base>>3)<<baseCellShift
	for r := 1; r <= MaxCellRes; r++ {
		d := uint64(7)
		if r <= res {
			d = uint64(turn[digits[r]])
		}
		h |= d << (cellDigitBits * (MaxCellRes - r))
	}
	return Cell(h), true
}

// turned has the digits (1 k, 2 j, 3 jk, 4 i, 5 ik, 6 ij) after so many turns
// by 60 degrees counter-clockwise.
var turned = func() (out [6][8]uint8) {
	next := [8]uint8{0, 5, 3, 1, 6, 4, 2, 7}
	for d := range uint8(8) {
		to := d
		for n := range out {
			out[n][d] = to
			to = next[to]
		}
	}
	return out
}()

// seventh returns n/7, rounded to the nearest.
func seventh(n int) int {
	if n < 0 {
		return -((7 - 2*n) / 14)
	}
	return (2*n + 7) / 14
}

// hexAt returns the hexagon of unit size in which (x, y) lies.
func hexAt(x, y float64) ijk {
	x2 := math.Abs(y) / sin60
	x1 := math.Abs(x) + x2/2
	i, j := int(x1), int(x2)
	r1, r2 := x1-float64(i), x2-float64(j)
	switch {
	case r1 < 1.0/3:
		if r2 >= (1+r1)/2 {
			j++
		}
	case r1 < 0.5:
		if 1-r1 <= r2 && r2 < 2*r1 {
			i++
		}
		if r2 >= 1-r1 {
			j++
		}
	case r1 < 2.0/3:
		if !(2*r1-1 < r2 && r2 < 1-r1) {
			i++
		}
		if r2 >= 1-r1 {
			j++
		}
	default:
		i++
		if r2 >= r1/2 {
			j++
		}
	}
	if x < 0 {
		if j%2 == 0 {
			i -= 2 * (i - j/2)
		} else {
			i -= 2*(i-(j+1)/2) + 1
		}
	}
	if y < 0 {
		i -= (2*j + 1) / 2
		j = -j
	}
	// From two axes to three, none below 0.
	c := ijk{i, j, 0}
	return c.normal()
}
