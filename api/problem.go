package api

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Codes that only this room gives.
const (
	methodNotAllowed charge.Code = "method-not-allowed"
	feedUnknown      charge.Code = "feed-unknown"
	opUnknown        charge.Code = "op-unknown"
	upgradeRequired  charge.Code = "upgrade-required"
	tooManySubs      charge.Code = "too-many-subscriptions"
	notAcceptable    charge.Code = "not-acceptable"
	busy             charge.Code = "busy"
	tooManyViewers   charge.Code = "too-many-viewers"
)

// problemKind is what a code becomes over HTTP.
type problemKind struct {
	status     int
	title      string
	retryAfter int // seconds; 0 is no header
}

var problems = map[charge.Code]problemKind{
	charge.Internal:           {http.StatusInternalServerError, "Internal error", 0},
	charge.NotFound:           {http.StatusNotFound, "Not found", 0},
	charge.TokenUnknown:       {http.StatusUnauthorized, "Token unknown", 0},
	charge.RoleMissing:        {http.StatusForbidden, "Role missing", 0},
	charge.ValueRange:         {http.StatusBadRequest, "Value malformed or out of range", 0},
	charge.RangeTooLarge:      {http.StatusBadRequest, "Range too large", 0},
	charge.BoxTooLarge:        {http.StatusBadRequest, "Box too large", 0},
	charge.HistoryUnavailable: {http.StatusServiceUnavailable, "History unavailable", 10},
	charge.NotReady:           {http.StatusServiceUnavailable, "Not ready", 2},
	charge.RateLimited:        {http.StatusTooManyRequests, "Too many requests", 1},
	charge.Conflict:           {http.StatusConflict, "Conflict", 0},
	charge.MomentMissing:      {http.StatusNotFound, "Moment not kept", 0},
	momentFuture:              {http.StatusBadRequest, "Moment in the future", 0},
	momentTooOld:              {http.StatusGone, "Moment too old", 0},
	resNotKept:                {http.StatusBadRequest, "Resolution not kept", 0},
	methodNotAllowed:          {http.StatusMethodNotAllowed, "Method not allowed", 0},
	feedUnknown:               {http.StatusBadRequest, "Feed unknown", 0},
	upgradeRequired:           {http.StatusUpgradeRequired, "Upgrade required", 0},
	opUnknown:                 {http.StatusBadRequest, "Operation unknown", 0},
	tooManySubs:               {http.StatusTooManyRequests, "Too many subscriptions", 0},
	notAcceptable:             {http.StatusNotAcceptable, "Not acceptable", 0},
	busy:                      {http.StatusServiceUnavailable, "Busy", 3},
	tooManyViewers:            {http.StatusTooManyRequests, "Too many websockets", 30},
}

// codeAndText returns what a client may read of err: an uncoded error is
// logged here, once, and reads "internal error".
func codeAndText(log *slog.Logger, err error, where string) (charge.Code, string) {
	code := charge.CodeOf(err)
	if code == charge.Internal {
		log.Error("request failed", "where", where, "err", err)
		return code, "internal error"
	}
	return code, err.Error()
}

// writeProblem answers err as application/problem+json, RFC 9457. where names
// the resource in the log, without the ids that it was asked for.
func writeProblem(log *slog.Logger, w http.ResponseWriter, where string, err error) (status int) {
	code, text := codeAndText(log, err, where)
	kind, ok := problems[code]
	if !ok {
		kind = problems[charge.Internal]
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if after := retryAfter(err, kind.retryAfter); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
	if code == charge.TokenUnknown {
		h.Set("WWW-Authenticate", `Bearer realm="dianchi", error="invalid_token"`)
	}
	var body jsonBuf
	body.obj("")
	body.str("type", docsPath+"#"+string(code))
	body.str("title", kind.title)
	body.int("status", int64(kind.status))
	body.str("code", string(code))
	body.str("detail", text)
	body.endObj()
	h.Set("Content-Length", strconv.Itoa(len(body.b)))
	w.WriteHeader(kind.status)
	_, _ = w.Write(body.b)
	return kind.status
}
