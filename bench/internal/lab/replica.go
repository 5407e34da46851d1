package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Replica is an api process that follows a platform.
type Replica struct {
	*Process
	HTTP  string        // host:port
	Ready time.Duration // from its start until it served its first copy
}

// StartReplica starts one that follows p, which must have been given the token,
// and waits until it serves. name is its log's.
func StartReplica(ctx context.Context, p *Platform, name, token string, args ...string) (*Replica, error) {
	began := time.Now()
	proc, err := Launch(filepath.Join(p.Dir, name+".log"), []string{"DIANCHI_INTERNAL_TOKEN=" + token}, p.Program,
		append([]string{"api", "--ingest", "http://" + p.HTTP, "--http", "127.0.0.1:0"}, args...)...)
	if err != nil {
		return nil, err
	}
	r := &Replica{Process: proc}
	for port := ""; port == ""; port = r.Find(readyLine) {
		if r.HTTP = "127.0.0.1:"; r.Ended() || time.Since(began) > time.Minute {
			return nil, errors.Join(fmt.Errorf("replica %s does not serve; its last words:\n%s", name, r.Tail()), r.Stop())
		}
		if err := Sleep(ctx, 20*time.Millisecond); err != nil {
			return nil, errors.Join(err, r.Stop())
		}
	}
	r.HTTP, r.Ready = "127.0.0.1:"+r.Find(readyLine), time.Since(began)
	return r, nil
}
