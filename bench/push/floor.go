package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// floor writes one prepared frame to the very sockets that the product serves,
// found among this process's files: a system call each and nothing else. It is
// spread over time as the product's frames are, in as many goroutines.
type floor struct {
	fds   []int
	rest  []int // by index in fds: how much of its frame a socket still has to take
	frame []byte
}

const (
	floorSpread = 270 * time.Millisecond // as the product's, see Config.Spread
	floorBatch  = 128
)

// newFloor prepares a binary frame of size bytes in all.
func newFloor(addr net.Addr, size int) (*floor, error) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	port := addr.(*net.TCPAddr).Port
	f := &floor{frame: binaryFrame(size)}
	for _, file := range files {
		fd, err := strconv.Atoi(file.Name())
		if err != nil {
			continue
		}
		own, err := unix.Getsockname(fd)
		if err != nil {
			continue // no socket
		}
		if in, ok := own.(*unix.SockaddrInet4); !ok || in.Port != port {
			continue
		}
		if _, err := unix.Getpeername(fd); err == nil { // not the listener
			f.fds = append(f.fds, fd)
		}
	}
	if len(f.fds) == 0 {
		return nil, fmt.Errorf("no socket of port %d is open", port)
	}
	f.rest = make([]int, len(f.fds))
	return f, nil
}

// binaryFrame returns a frame that is size bytes long, header and all.
func binaryFrame(size int) []byte {
	switch n := max(size, 8); {
	case n < 126+2:
		return append([]byte{0x82, byte(n - 2)}, make([]byte, n-2)...)
	case n < 1<<16+4:
		b := binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(n-4))
		return append(b, make([]byte, n-4)...)
	default:
		b := binary.BigEndian.AppendUint64([]byte{0x82, 127}, uint64(n-10))
		return append(b, make([]byte, n-10)...)
	}
}

// write writes one frame to each socket and says what the kernel took. What it
// takes in part is finished the next time.
func (f *floor) write() (sent answer) {
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		n    = max(2, runtime.GOMAXPROCS(0))
		each = (len(f.fds) + n - 1) / n
	)
	for part := range n {
		from, to := min(part*each, len(f.fds)), min((part+1)*each, len(f.fds))
		all.Go(func() {
			began := time.Now()
			var took answer
			for i := from; i < to; i++ {
				if done := i - from; done > 0 && done%floorBatch == 0 {
					due := floorSpread * time.Duration(done) / time.Duration(to-from)
					if ahead := due - time.Since(began); ahead > time.Millisecond {
						time.Sleep(ahead)
					}
				}
				if f.rest[i] == 0 {
					f.rest[i] = len(f.frame)
				}
				f.one(i, &took)
			}
			mu.Lock()
			defer mu.Unlock()
			sent.Sends += took.Sends
			sent.Frames += took.Frames
			sent.Bytes += took.Bytes
		})
	}
	all.Wait()
	return sent
}

// one writes what is left of socket i's frame.
func (f *floor) one(i int, took *answer) {
	w, err := unix.Write(f.fds[i], f.frame[len(f.frame)-f.rest[i]:])
	for errors.Is(err, unix.EINTR) {
		w, err = unix.Write(f.fds[i], f.frame[len(f.frame)-f.rest[i]:])
	}
	if err != nil { // it is full, or gone: nothing was written
		return
	}
	took.Bytes += uint64(w)
	if f.rest[i] -= w; f.rest[i] == 0 {
		took.Sends++
		took.Frames++
	}
}

// finish completes frames that were written in part, so that the streams are whole.
func (f *floor) finish() error {
	var took answer
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := 0
		for i, rest := range f.rest {
			if rest > 0 && rest < len(f.frame) {
				f.one(i, &took)
				left += f.rest[i]
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("a socket does not take the rest of the floor's frame")
		}
	}
}
