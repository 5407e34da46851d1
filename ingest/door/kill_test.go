package door

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/spool"
)

// toSpool is a taker that answers when a record is on disk, as the pipeline does.
type toSpool struct {
	mu    sync.Mutex // one order for the spool and for waits
	spool *spool.Spool
	waits chan Message
}

func newToSpool(dir string) (*toSpool, error) {
	s, err := spool.Open(spool.Config{Dir: dir, FloorBytes: -1}, discard, 0)
	if err != nil {
		return nil, err
	}
	p := &toSpool{spool: s, waits: make(chan Message, 1<<14)}
	r := s.Reader(s.Next())
	go func() {
		for {
			batch, err := r.Next(context.Background())
			if err != nil {
				return
			}
			for range batch.Bodies {
				(<-p.waits).Done(nil)
			}
		}
	}()
	return p, nil
}

func (p *toSpool) Submit(_ context.Context, m Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits <- m
	_, err := p.spool.Append(m.Payload)
	return err
}

const childDir = "DOOR_TEST_CHILD_DIR"

// TestMain is also the child of TestKill: a door with a spool behind it.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	to, err := newToSpool(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	d := New(Config{Addr: "127.0.0.1:0"}, discard, Deps{Auth: newPeople(), Taker: to})
	if err := d.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(d.Addr())
	select {}
}

// TestKill kills a door's process while eight clients publish, and looks for
// every acknowledged message in the spool.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 8 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line := bufio.NewScanner(out)
		if !line.Scan() {
			t.Fatal("the child says nothing")
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for client := range 8 {
			wg.Go(func() {
				for _, p := range publishUntilEnd(t, line.Text(), fmt.Sprintf("%d/%d", round, client)) {
					mu.Lock()
					acked[p] = true
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(150)) * time.Millisecond)
		child.Process.Kill()
		wg.Wait()
		child.Wait()
	}
	s, err := spool.Open(spool.Config{Dir: dir, FloorBytes: -1}, discard, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	total := len(acked)
	for r := s.Reader(1); r.Position() <= s.Synced(); {
		batch, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batch.Bodies {
			delete(acked, string(b))
		}
	}
	if len(acked) > 0 || total == 0 {
		t.Fatalf("%d of %d acknowledged messages are lost", len(acked), total)
	}
	t.Logf("%d acknowledged messages, none lost", total)
}

// publishUntilEnd publishes, 16 on their way at a time, until the connection
// ends, and returns the acknowledged payloads.
func publishUntilEnd(t *testing.T, addr, name string) (acked []string) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil
	}
	defer nc.Close()
	nc.Write(connect3(name, "teld", 60))
	w := &wire{t, nc, bufio.NewReader(nc)}
	if p := w.packet(); p == nil {
		return nil
	}
	payload := func(n int) string { return fmt.Sprintf("%s: %d", name, n) }
	room := make(chan struct{}, 16)
	ended := make(chan struct{})
	go func() {
		for n := 0; n < 60000; n++ {
			select {
			case room <- struct{}{}:
			case <-ended:
				return
			}
			if _, err := nc.Write(publish3("dianchi/v1/teld/piles", 1, uint16(n+1), payload(n))); err != nil {
				return
			}
		}
	}()
	defer close(ended)
	for n := 0; ; n++ {
		p := w.packet()
		if p == nil {
			return acked
		}
		if id := int(p[2])<<8 | int(p[3]); p[0] != 0x40 || id != n+1 {
			t.Errorf("answer % x, want the PUBACK of %d", p, n+1)
			return acked
		}
		acked = append(acked, payload(n))
		<-room
	}
}
