// Command decode measures the platform's decoder beside JSON libraries: the
// same pile and vehicle reports, alone and 50 a message, into the same values.
//
//	make bench-decode
//
// The libraries only parse; ours also validates each member by the contract.
// The table goes to standard output as Markdown. Exit status 1: a contender
// produced other values, or ours allocates or takes more than two thirds of the
// time of the fastest library.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/dianchi-platform/dianchi/bench/decode/model"
)

// promise is our share of the fastest library's time, at most.
const promise = 2. / 3

func main() {
	rounds := flag.Int("rounds", 30, "how often each measurement is taken; the least counts")
	each := flag.Duration("each", 20*time.Millisecond, "how much CPU time one measurement takes")
	only := flag.String("only", "", "measure only contenders whose name contains this")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *each < time.Millisecond {
		fmt.Fprintln(os.Stderr, "decode: needs --rounds from 1, --each from 1ms, and no words")
		os.Exit(2)
	}
	contenders, piles, vehicles := all(), makePiles(), makeVehicles()
	for _, c := range contenders {
		if err := check(c, piles, vehicles); err != nil {
			fmt.Fprintf(os.Stderr, "decode: %s: %v\n", c.name, err)
			os.Exit(1)
		}
	}
	var rows []row
	for _, c := range contenders {
		if strings.Contains(c.name, *only) {
			rows = append(rows, row{contender: c, cells: cellsOf(c, piles, vehicles)})
		}
	}
	for n := range *rounds { // in turns, so that what disturbs the machine disturbs all
		fmt.Fprintf(os.Stderr, "round %d of %d\n", n+1, *rounds)
		for i := range rows {
			for k := range rows[i].cells {
				if err := rows[i].cells[k].measure(*each); err != nil {
					fmt.Fprintf(os.Stderr, "decode: %s: %v\n", rows[i].name, err)
					os.Exit(1)
				}
			}
		}
	}
	if !printTable(os.Stdout, rows) {
		os.Exit(1)
	}
}

// check compares what c makes of every payload with what it was made from.
func check(c contender, piles payloads[model.Pile], vehicles payloads[model.Vehicle]) error {
	if err := same(c.gotPiles, piles); err != nil {
		return fmt.Errorf("piles: %w", err)
	}
	if err := same(c.gotVehicles, vehicles); err != nil {
		return fmt.Errorf("vehicles: %w", err)
	}
	return nil
}

func same[E any](read func([]byte) ([]E, error), p payloads[E]) error {
	got, err := read(p.batch)
	if err != nil || !reflect.DeepEqual(got, p.want) {
		return fmt.Errorf("a batch differs: %w", err)
	}
	for i, in := range p.singles {
		if got, err := read(in); err != nil || !reflect.DeepEqual(got, p.want[i:i+1]) {
			return fmt.Errorf("report %d: %+v, want %+v: %w", i, got, p.want[i], err)
		}
	}
	return nil
}

// row is a contender with its four measurements.
type row struct {
	contender
	cells []cell
}

var columns = []string{"pile", "50 piles", "vehicle", "50 vehicles"}

// cell is one measurement: the least time of all rounds.
type cell struct {
	one     func() error // reads one message
	reports float64      // in it
	ns      float64      // a report
	allocs  float64      // a report
	bytes   float64      // allocated a report
}

func cellsOf(c contender, piles payloads[model.Pile], vehicles payloads[model.Vehicle]) []cell {
	turns := func(read func([]byte) error, in [][]byte) func() error {
		i := 0
		return func() error {
			if i++; i == len(in) {
				i = 0
			}
			return read(in[i])
		}
	}
	return []cell{
		{one: turns(c.pile, piles.singles), reports: 1},
		{one: turns(c.piles, [][]byte{piles.batch}), reports: perMessage},
		{one: turns(c.vehicle, vehicles.singles), reports: 1},
		{one: turns(c.vehicles, [][]byte{vehicles.batch}), reports: perMessage},
	}
}

// measure runs one for about d with the garbage of nobody else.
func (c *cell) measure(d time.Duration) error {
	runtime.GC()
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	n := 0
	runtime.ReadMemStats(&before)
	began := used()
	took := time.Duration(0)
	for took < d {
		for range 200 / int(c.reports) * 4 {
			if err := c.one(); err != nil {
				return err
			}
			n++
		}
		took = used() - began
	}
	runtime.ReadMemStats(&after)
	reports := float64(n) * c.reports
	if ns := float64(took.Nanoseconds()) / reports; c.ns == 0 || ns < c.ns {
		c.ns = ns
	}
	c.allocs = float64(after.Mallocs-before.Mallocs) / reports
	c.bytes = float64(after.TotalAlloc-before.TotalAlloc) / reports
	return nil
}

// used is the CPU time of this process, collecting garbage included. Unlike the
// clock it does not count what else the machine does.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no other reason than a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// printTable writes the table and reports whether the promise holds.
func printTable(w io.Writer, rows []row) bool {
	fmt.Fprintf(w, "| ns of CPU a report (allocations) | %s |\n|---|%s\n", strings.Join(columns, " | "),
		strings.Repeat("--:|", len(columns)))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |", r.name)
		for _, c := range r.cells {
			fmt.Fprintf(w, " %.0f (%.1f) |", c.ns, c.allocs)
		}
		fmt.Fprintln(w)
	}
	if len(rows) < 2 || rows[0].name != "Dianchi" {
		return true
	}
	kept := true
	fmt.Fprint(w, "| **ours ÷ the fastest library** |")
	for k, c := range rows[0].cells {
		best := rows[1]
		for _, r := range rows[2:] {
			if r.cells[k].ns < best.cells[k].ns {
				best = r
			}
		}
		share := c.ns / best.cells[k].ns
		fmt.Fprintf(w, " **%.2f** of %s |", share, best.name)
		// What the runtime itself allocates meanwhile is a few objects in some hundred thousand reports.
		kept = kept && share <= promise && c.allocs < 0.001
	}
	fmt.Fprintln(w)
	if !kept {
		fmt.Fprintf(w, "\nNot kept: at most %.2f of the fastest library's time, without allocation.\n", promise)
	}
	return kept
}
