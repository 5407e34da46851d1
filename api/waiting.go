package api

import (
	"hash/maphash"
	"log/slog"
	"net/http"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Waiting answers in the place of an [API] that has nothing to tell yet, such as
// a replica's before its first copy: /healthz and /readyz as the API does, with
// the parts that ready names, all else 503 not-ready.
func Waiting(log *slog.Logger, ready func() []PartState) http.Handler {
	a := &API{log: log, deps: Deps{Ready: ready}, seed: maphash.MakeSeed()}
	probes := map[string]func(*request, *answer) error{"/healthz": a.healthz, "/readyz": a.readyz}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			allowAnyOrigin(w.Header())
		}
		rq, rec := &request{Request: r}, &recorder{ResponseWriter: w}
		serve := probes[path]
		row := &route{}
		switch {
		case r.Method == http.MethodOptions:
			preflight(w, r, row.methods())
			return
		case serve == nil:
			a.problem(rec, charge.Errorf(charge.NotReady, "the copy of the city is being loaded, try again"))
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", row.methods())
			a.problem(rec, charge.Errorf(methodNotAllowed, "only %s are served here", row.methods()))
			return
		}
		ans := answers.Get().(*answer)
		defer ans.release()
		if err := serve(rq, ans); err != nil {
			a.problem(rec, err)
			return
		}
		a.write(rec, rq, ans)
	})
}
