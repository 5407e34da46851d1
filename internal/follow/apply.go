package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// follow reads the stream from where we are until it ends, which it does only
// with an error.
func (c *Client) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := c.get(ctx, "stream", url.Values{"after": {strconv.FormatUint(c.after, 10)},
		"rev": {strconv.FormatUint(c.rev, 10)}, "instance": {c.instance}})
	if err != nil {
		return fmt.Errorf("cannot follow: %w", err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get(instanceHeader); got != c.instance {
		return fmt.Errorf("%w: it is another one now", errReload)
	}
	body := c.watched(resp.Body, cancel)
	defer body.stop()
	frames := newFrameReader(body)
	for {
		k, payload, err := frames.next()
		if err != nil {
			return fmt.Errorf("cannot follow after %d: %w", c.after, because(ctx, err))
		}
		if err := c.take(k, payload); err != nil {
			return fmt.Errorf("cannot follow after %d: %w", c.after, err)
		}
	}
}

// take hands one whole frame to the sink.
func (c *Client) take(k kind, payload []byte) error {
	switch k {
	case kindRecord:
		seq, body, err := parseRecord(payload)
		if err != nil {
			return err
		}
		if seq <= c.after {
			return fmt.Errorf("%w: record %d comes again", errReload, seq)
		}
		if err := c.rec.Decode(body); err != nil {
			return fmt.Errorf("record %d cannot be read, is the ingest process newer than this one? %w", seq, err)
		}
		c.rec.Seq = seq
		c.sink.Apply(&c.rec)
		c.after = seq
		c.mu.Lock()
		c.stats.Seq = seq
		c.stats.Records++
		c.mu.Unlock()
	case kindTick:
		rev, at, err := parseTick(payload)
		if err != nil {
			return err
		}
		if c.after < c.even { // some parts of the snapshot are newer than this tick
			return nil
		}
		c.sink.Tick(rev, at)
		c.rev = rev
		c.mu.Lock()
		if c.stats.Err != nil || c.tick.IsZero() {
			c.log.Info("following the ingest process", "url", c.base.Redacted(), "seq", c.after, "rev", rev)
		}
		c.tick = time.Now()
		c.stats.Rev, c.stats.At, c.stats.Err = rev, at, nil
		c.mu.Unlock()
	case kindAccess:
		parties, tokens, err := decodeAccess(payload)
		if err != nil {
			return err
		}
		c.sink.Access(parties, tokens)
	case kindGone:
		return errReload
	}
	return nil
}

// watchedBody drops the connection when no byte comes for too long.
type watchedBody struct {
	r       io.Reader
	timer   *time.Timer
	silence time.Duration
}

func (c *Client) watched(r io.Reader, drop context.CancelCauseFunc) *watchedBody {
	silent := fmt.Errorf("nothing came for %s", c.cfg.Silence)
	return &watchedBody{r: r, timer: time.AfterFunc(c.cfg.Silence, func() { drop(silent) }), silence: c.cfg.Silence}
}

// because returns why ctx ended, if it did, else err.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Read counts only the time spent waiting, not what the sink takes between.
func (w *watchedBody) Read(b []byte) (int, error) {
	w.timer.Reset(w.silence)
	n, err := w.r.Read(b)
	w.timer.Stop()
	return n, err
}

func (w *watchedBody) stop() { w.timer.Stop() }

// Sessions asks the server for the finished sessions of a pile that touched
// from ≤ t < to. Errors carry the code that the server's registry gave them.
func (c *Client) Sessions(ctx context.Context, party charge.Num, pileID string,
	from, to charge.Millis) ([]charge.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, err := c.do(ctx, "sessions", url.Values{"party": {strconv.FormatUint(uint64(party), 10)}, "pile": {pileID},
		"from": {strconv.FormatInt(int64(from), 10)}, "to": {strconv.FormatInt(int64(to), 10)}})
	if err != nil {
		return nil, c.away(pileID, err)
	}
	defer resp.Body.Close()
	var in sessionsShape
	if err := json.NewDecoder(resp.Body).Decode(&in); err != nil {
		return nil, c.away(pileID, fmt.Errorf("%s: %w", resp.Status, err))
	}
	if in.Code != "" {
		return nil, charge.Errorf(in.Code, "%s", in.Text)
	}
	out := make([]charge.Session, len(in.Sessions))
	for i := range in.Sessions {
		out[i] = in.Sessions[i].session()
	}
	return out, nil
}

// away is what a client is told when the server does not answer. Why goes to
// the log: it names our own machines.
func (c *Client) away(pileID string, err error) error {
	c.trouble.Add(err)
	return charge.Errorf(charge.HistoryUnavailable, "sessions of pile %s cannot be had at present", pileID)
}
