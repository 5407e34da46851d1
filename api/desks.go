package api

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// desks handle viewers' messages on a few goroutines, while the reader waits.
// Handling takes 8 kB of stack, and a stack once grown stays: on the readers'
// own, that would be most of what a viewer costs.
type desks struct {
	a     *API
	tasks chan *task // to a desk that waits
	idle  chan struct{}
}

// task is one message of one viewer.
type task struct {
	v    *viewer
	data []byte
	done chan error
}

var tasks = sync.Pool{New: func() any { return &task{done: make(chan error, 1)} }}

func newDesks(a *API) *desks {
	return &desks{a, make(chan *task), make(chan struct{}, 8*runtime.GOMAXPROCS(0))}
}

// handle is [API.handle] at a desk. There is always one: an answer that waits
// for a slow viewer keeps its desk, and another is opened.
func (d *desks) handle(v *viewer, data []byte) error {
	t := tasks.Get().(*task)
	t.v, t.data = v, data
	select {
	case d.tasks <- t:
	default:
		go d.work(t)
	}
	err := <-t.done
	t.v, t.data = nil, nil
	tasks.Put(t)
	return err
}

// work goes from task to task, until enough others wait for one.
func (d *desks) work(t *task) {
	for {
		t.done <- d.one(t)
		select {
		case d.idle <- struct{}{}:
		default:
			return
		}
		select {
		case t = <-d.tasks:
			<-d.idle
		case <-d.a.served:
			return
		}
	}
}

var errPanicked = errors.New("handling a message panicked")

// one handles a message; a fault of ours costs this viewer alone.
func (d *desks) one(t *task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.a.metrics.panics.Inc()
			d.a.log.Error("websocket reader panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return d.a.handle(t.v, t.data)
}
