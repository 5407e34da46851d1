package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

const alarmsPath = "/internal/alarms/"

// alarms is what only the process that owns the log can do.
type alarms interface {
	Ack(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error)
	Past(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error)
}

// ackShape asks to acknowledge an alarm.
type ackShape struct {
	ID       uint64
	By, Note string
}

// alarmsShape is the answer to both questions, or an error with its code.
type alarmsShape struct {
	Alarms []*alarm.Alarm
	Code   charge.Code `json:",omitempty"`
	Text   string      `json:",omitempty"`
}

// maxQuestion bounds a question in bytes.
const maxQuestion = 64 << 10

func (s *Server) serveAlarms(w http.ResponseWriter, r *http.Request) {
	if s.from.Alarms == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	var out alarmsShape
	switch {
	case err != nil:
	case r.URL.Path == alarmsPath+"ack":
		var in ackShape
		if err = json.Unmarshal(body, &in); err == nil {
			var a *alarm.Alarm
			if a, err = s.from.Alarms.Ack(r.Context(), in.ID, in.By, in.Note); err == nil {
				out.Alarms = []*alarm.Alarm{a}
			}
		}
	default:
		var q alarm.Query
		if err = json.Unmarshal(body, &q); err == nil {
			out.Alarms, err = s.from.Alarms.Past(r.Context(), &q)
		}
	}
	if err != nil {
		out.Code, out.Text = charge.CodeOf(err), err.Error()
		if out.Code == charge.Internal && r.Context().Err() == nil {
			s.log.Error("a follower's question of alarms cannot be answered", "err", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.lost(r, err)
	}
}

// AckAlarm has the server put an acknowledgement on record.
func (c *Client) AckAlarm(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	list, err := c.askAlarms(ctx, "ack", ackShape{id, by, note})
	if err == nil && len(list) != 1 {
		err = errNotTold
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// PastAlarms asks the server for alarms that were ever raised.
func (c *Client) PastAlarms(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	return c.askAlarms(ctx, "past", q)
}

// errNotTold is what a client is told when the server does not answer. Why goes
// to the log: it names our own machines.
var errNotTold = charge.Errorf(charge.NotReady, "the process that keeps it does not answer at present")

func (c *Client) askAlarms(ctx context.Context, what string, question any) ([]*alarm.Alarm, error) {
	var in alarmsShape
	if err := c.ask(ctx, "alarms/"+what, question, &in); err != nil {
		return nil, err
	}
	if in.Code != "" {
		return nil, charge.Errorf(in.Code, "%s", in.Text)
	}
	for _, a := range in.Alarms {
		if a == nil {
			return nil, errNotTold
		}
	}
	return in.Alarms, nil
}

// ask posts a question as JSON and reads the answer, at most for 15 s.
func (c *Client) ask(ctx context.Context, what string, question, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath("internal", what).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	resp, err := c.http.Do(req)
	if err != nil {
		c.trouble.Add(err)
		return errNotTold
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		c.trouble.Add(err)
		return errNotTold
	}
	return nil
}
