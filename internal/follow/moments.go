package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/past"
)

const momentsPath = "/internal/moments"

// moments is how the city was: only the process that owns the log keeps it.
type moments interface {
	Moment(ctx context.Context, t charge.Millis) ([]byte, error)
	Spans(ctx context.Context) ([]past.Span, error)
}

// maxMoment bounds a moment in bytes.
const maxMoment = 64 << 20

// serveMoments answers the bytes of the moment t, 404 when it is not kept; or,
// without t, what is kept.
func (s *Server) serveMoments(w http.ResponseWriter, r *http.Request) {
	if s.from.Moments == nil {
		http.Error(w, "how it was is not kept here", http.StatusServiceUnavailable)
		return
	}
	text := r.URL.Query().Get("t")
	if text == "" {
		spans, err := s.from.Moments.Spans(r.Context())
		if err != nil {
			s.noMoment(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		shape := make([][2]int64, len(spans))
		for i, p := range spans {
			shape[i] = [2]int64{int64(p.From), int64(p.To)}
		}
		if err := json.NewEncoder(w).Encode(shape); err != nil {
			s.lost(r, err)
		}
		return
	}
	t, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		http.Error(w, "t must be Unix ms", http.StatusBadRequest)
		return
	}
	body, err := s.from.Moments.Moment(r.Context(), charge.Millis(t))
	if err != nil {
		s.noMoment(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	out := s.patient(w)
	defer out.close()
	if _, err := out.Write(body); err != nil {
		s.lost(r, err)
	}
}

func (s *Server) noMoment(w http.ResponseWriter, r *http.Request, err error) {
	if charge.CodeOf(err) == charge.MomentMissing {
		http.Error(w, "it is not kept", http.StatusNotFound)
		return
	}
	if r.Context().Err() == nil {
		s.log.Error("how the city was cannot be told to a follower", "err", err)
	}
	http.Error(w, "it cannot be read", http.StatusServiceUnavailable)
}

// Moment asks the server how the city was at t.
func (c *Client) Moment(ctx context.Context, t charge.Millis) ([]byte, error) {
	resp, err := c.askMoments(ctx, url.Values{"t": {strconv.FormatInt(int64(t), 10)}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, past.Missing(t)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMoment+1))
	if err != nil || resp.StatusCode != http.StatusOK || len(body) > maxMoment {
		return nil, c.noMoments(fmt.Errorf("the answer is %s, of %d bytes: %w", resp.Status, len(body), err))
	}
	return body, nil
}

// Spans asks the server what it keeps.
func (c *Client) Spans(ctx context.Context) ([]past.Span, error) {
	resp, err := c.askMoments(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var shape [][2]int64
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxMoment)).Decode(&shape); err != nil {
		return nil, c.noMoments(fmt.Errorf("%s: %w", resp.Status, err))
	}
	out := make([]past.Span, len(shape))
	for i, p := range shape {
		out[i] = past.Span{From: charge.Millis(p[0]), To: charge.Millis(p[1])}
	}
	return out, nil
}

// momentWait bounds one question, with its answer.
const momentWait = 15 * time.Second

func (c *Client) askMoments(ctx context.Context, q url.Values) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, momentWait)
	resp, err := c.do(ctx, "moments", q)
	if err != nil {
		cancel()
		return nil, c.noMoments(err)
	}
	resp.Body = &endedBody{resp.Body, cancel}
	return resp, nil
}

// endedBody ends the question's context with its answer.
type endedBody struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b *endedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// noMoments is what a client is told when the server does not answer. Why goes
// to the log: it names our own machines.
func (c *Client) noMoments(err error) error {
	c.trouble.Add(err)
	return charge.Errorf(charge.HistoryUnavailable, "the process that keeps how it was does not answer at present")
}
