package follow

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tail"
)

const tailPath = "/internal/tail/"

// tails is what became of the parties' newest messages: samples are not in the
// log, so only the process that judges has them.
type tails interface {
	Messages(ctx context.Context, party charge.Num, after uint64) ([]tail.Message, error)
	Met(ctx context.Context, party charge.Num) ([]tail.Met, error)
}

// tailShape asks for a party's messages after a record, or for its rules.
type tailShape struct {
	Party charge.Num
	After uint64
}

func (s *Server) serveTail(w http.ResponseWriter, r *http.Request) {
	if s.from.Tail == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	var in tailShape
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, "the question cannot be read", http.StatusBadRequest)
		return
	}
	var out any
	switch r.URL.Path {
	case tailPath + "messages":
		out, err = s.from.Tail.Messages(r.Context(), in.Party, in.After)
	case tailPath + "met":
		out, err = s.from.Tail.Met(r.Context(), in.Party)
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, "no answer at present", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.lost(r, err)
	}
}

// Messages asks the server for a party's messages after a record.
func (c *Client) Messages(ctx context.Context, party charge.Num, after uint64) ([]tail.Message, error) {
	var out []tail.Message
	err := c.ask(ctx, "tail/messages", tailShape{party, after}, &out)
	return out, err
}

// Met asks the server for the rules that a party met.
func (c *Client) Met(ctx context.Context, party charge.Num) ([]tail.Met, error) {
	var out []tail.Met
	err := c.ask(ctx, "tail/met", tailShape{Party: party}, &out)
	return out, err
}
