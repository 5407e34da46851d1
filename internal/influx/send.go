package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
)

// Delays between two attempts.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second

	missingRetry = time.Second // after a 404
)

// bring puts b into InfluxDB, then moves the position. It gives up only when ctx ends.
func (w *Writer) bring(ctx context.Context, b *batch) {
	if b.records == 0 {
		return
	}
	w.pending.Store(int64(b.oldest))
	var got outcome
	for _, part := range []struct {
		bucket string
		lines  []byte
	}{{w.cfg.Bucket, b.raw}, {w.cfg.totals(), b.totals}} {
		o, err := w.put(ctx, part.bucket, part.lines)
		if errors.Is(err, errMissing) {
			w.anew.Add(1)
		}
		if err != nil {
			return
		}
		got.add(o)
	}
	refused := got.refused
	if refused > 0 {
		w.dropped.Add(uint64(refused))
	}
	if b.lost > 0 {
		w.lost.Add(uint64(b.lost))
		w.gone.Add(fmt.Errorf("%d reports of a party that nobody knows", b.lost))
	}
	w.tally(b, got)
	w.points.Add(uint64(b.points - refused))
	w.same.Add(uint64(b.same))
	w.bytes.Add(uint64(len(b.raw) + len(b.totals)))
	w.batches.Add(1)
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := savePosition(w.cfg.PosFile, b.last)
		if err == nil {
			break
		}
		w.failures.Add(1)
		w.trouble.Add(err)
		if !sleep(ctx, delay) {
			return
		}
	}
	w.position.Store(b.last)
	w.success.Store(time.Now().UnixMilli())
	w.pending.Store(0)
	w.deps.Hold(b.last)
	if refused > 0 {
		w.anew.Add(1) // what was refused must not be referred to, neither by what is encoded already
	}
}

// errMissing says that the database is not there. One that is made anew has
// none of the whole points that a batch refers to.
var errMissing = errors.New("the database is missing")

// outcome is what InfluxDB did with lines.
type outcome struct{ accepted, refused int }

func (o *outcome) add(p outcome) {
	o.accepted += p.accepted
	o.refused += p.refused
}

// tally keeps, all at once, what became of a batch.
func (w *Writer) tally(b *batch, got outcome) {
	w.sumMu.Lock()
	defer w.sumMu.Unlock()
	w.sum.Due += uint64(b.due)
	w.sum.Accepted += uint64(got.accepted)
	w.sum.Refused += uint64(got.refused)
	w.sum.Lost += uint64(b.lost)
}

// put writes lines, again and again until InfluxDB has taken or refused each of
// them. The error is ctx's, or errMissing.
func (w *Writer) put(ctx context.Context, bucket string, lines []byte) (outcome, error) {
	if len(lines) == 0 {
		return outcome{}, nil
	}
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := w.write(ctx, bucket, lines)
		switch verdictOf(err) {
		case accepted:
			return outcome{accepted: countLines(lines)}, nil
		case partly:
			return w.halve(ctx, bucket, lines, err)
		case again:
		}
		if ctx.Err() != nil {
			return outcome{}, ctx.Err()
		}
		w.failures.Add(1)
		w.trouble.Add(err)
		if w.deps.Stuck != nil && isStuck(err) {
			w.deps.Stuck(err)
		}
		if status(err) == http.StatusNotFound {
			sleep(ctx, missingRetry)
			return outcome{}, errMissing
		}
		if !sleep(ctx, delay) {
			return outcome{}, ctx.Err()
		}
	}
}

// halve finds out what exactly InfluxDB refuses of lines. Its own count is not
// enough: when one shard refuses a point, 1.8 answers before the others have
// written theirs. Points that are older than its retention are counted right.
func (w *Writer) halve(ctx context.Context, bucket string, lines []byte, cause error) (got outcome, err error) {
	n := countLines(lines)
	told := droppedIn(cause)
	if n == 1 || told == n || told > 0 && strings.Contains(cause.Error(), "beyond retention policy") {
		told = min(max(told, 1), n)
		w.gone.Add(fmt.Errorf("InfluxDB refused %d of %d points: %w", told, n, cause))
		return outcome{n - told, told}, nil
	}
	at := middle(lines)
	for _, half := range [][]byte{lines[:at], lines[at:]} {
		part, err := w.put(ctx, bucket, half)
		if err != nil {
			return outcome{}, err
		}
		got.add(part)
	}
	return got, nil
}

// write makes one attempt.
func (w *Writer) write(ctx context.Context, bucket string, lines []byte) error {
	api, err := w.link.writer(bucket)
	if err != nil {
		return err
	}
	// A copy: after a time-out the transport may still read the body while the
	// next attempt is made.
	return api.WriteRecord(ctx, string(lines))
}

// verdict is what an answer means for the lines that were sent.
type verdict uint8

const (
	accepted verdict = iota
	partly           // some lines will never be taken
	again            // nothing is known: the same lines again
)

// verdictOf judges an answer. 400 (and 2.x's 422) may name lines that are refused
// for good, 413 is a body that is too large in one piece. Everything else may be
// mended by somebody: a wrong token, a missing database, a 400 for a body that
// was cut on its way.
func verdictOf(err error) verdict {
	switch status(err) {
	case http.StatusRequestEntityTooLarge:
		return partly
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		for _, sign := range []string{"partial write", "unable to parse", "dropped="} {
			if strings.Contains(err.Error(), sign) {
				return partly
			}
		}
	}
	if err == nil {
		return accepted
	}
	return again
}

// isStuck reports whether InfluxDB says that its WAL has failed. The writer of a
// WAL segment keeps its first error, a full disk for one, for ever.
func isStuck(err error) bool {
	if status(err) != http.StatusInternalServerError {
		return false
	}
	for _, sign := range []string{".wal: ", "error writing WAL entry", "error rolling WAL segment", "error syncing wal"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

func status(err error) int {
	if e, ok := errors.AsType[*influxhttp.Error](err); ok {
		return e.StatusCode
	}
	return 0
}

// droppedIn returns N of "… dropped=N", 0 when it is not said.
func droppedIn(err error) (n int) {
	s := err.Error()
	if i := strings.LastIndex(s, "dropped="); i >= 0 {
		fmt.Sscanf(s[i:], "dropped=%d", &n)
	}
	return n
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
