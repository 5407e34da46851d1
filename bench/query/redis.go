package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// store is a Redis of the bench's own: nothing on disk, loopback only.
type store struct {
	cmd  *exec.Cmd
	dir  string
	addr string
	quit chan struct{}
	done chan struct{}
}

func startRedis(ctx context.Context) (*store, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{addr: free.Addr().String(), quit: make(chan struct{}), done: make(chan struct{})}
	_ = free.Close()
	if s.dir, err = os.MkdirTemp("", "dianchi-query-"); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.CommandContext(ctx, "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "",
		"--appendonly", "no", "--maxclients", "10000")
	if err := s.cmd.Start(); err != nil {
		_ = os.RemoveAll(s.dir)
		return nil, fmt.Errorf("cannot start redis-server (make deps-bench installs it): %w", err)
	}
	for range 100 {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			_ = c.Close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("redis-server does not answer")
}

func (s *store) pid() int { return s.cmd.Process.Pid }

func (s *store) stop() {
	select {
	case <-s.quit:
	default:
		close(s.quit)
	}
	_ = s.cmd.Process.Kill() // it holds nothing
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}

// script is what an application would have Redis do for ten whole stations.
const script = `local found = redis.call('GEOSEARCH', 'stations', 'FROMLONLAT', ARGV[1], ARGV[2], 'BYRADIUS', ARGV[3], 'm', ` +
	`'ASC', 'COUNT', ARGV[4], 'WITHDIST') ` +
	`local out = {} for i, f in ipairs(found) do out[i] = {f[1], f[2], redis.call('HGETALL', f[1])} end return out`

func command(dst []byte, words ...string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(words))
	for _, w := range words {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(w), w)
	}
	return dst
}

// redisAsk is a question: geo, or full by the script of that digest.
func redisAsk(kind, digest string, p geo.Point) []byte {
	lon, lat := strconv.FormatFloat(p.Lon, 'f', 5, 64), strconv.FormatFloat(p.Lat, 'f', 5, 64)
	r, n := strconv.Itoa(radiusM), strconv.Itoa(askFor)
	if kind == "geo" {
		return command(nil, "GEOSEARCH", "stations", "FROMLONLAT", lon, lat, "BYRADIUS", r, "m", "ASC", "COUNT", n, "WITHDIST")
	}
	return command(nil, "EVAL", script, "0", lon, lat, r, n)
}

// readRedis takes in one reply (RESP2).
func readRedis(c *client) error {
	c.body = c.body[:0]
	return readReply(c.in, &c.body)
}

func readReply(in *bufio.Reader, body *[]byte) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	*body = append(*body, line...)
	n, _ := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	switch line[0] {
	case '-':
		return fmt.Errorf("redis: %s", line)
	case '$':
		if n < 0 {
			return nil
		}
		from := len(*body)
		*body = append(*body, make([]byte, n+2)...)
		_, err = io.ReadFull(in, (*body)[from:])
		return err
	case '*':
		for range n {
			if err := readReply(in, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill puts the same stations in, with the members of a STATION object in a
// hash each, and then updates their counts at a rate, pipelined, until stop.
func (s *store) fill(rate int) error {
	town := newCity(charge.At(time.Now()))
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 1<<20)
	send := func(batch []byte, replies int) error {
		if _, err := conn.Write(batch); err != nil {
			return err
		}
		var body []byte
		for range replies {
			body = body[:0]
			if err := readReply(in, &body); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range town.stations {
		st := &town.stations[i]
		n := strconv.Itoa(len(st.Piles))
		b := command(nil, "GEOADD", "stations", fmt.Sprint(st.Lon), fmt.Sprint(st.Lat), st.ID)
		b = command(b, "HSET", st.ID, "operator", "operator", "name", st.Name, "nameEn", st.NameEn, "lon", fmt.Sprint(st.Lon),
			"lat", fmt.Sprint(st.Lat), "access", "public", "maxKw", "120", "total", n, "free", n, "inUse", "0", "charging", "0",
			"reserved", "0", "fault", "0", "offline", "0", "now", "1.13", "energy", "0.73", "service", "0.4",
			"until", "2026-11-23T16:00:00.000Z", "next", "0.75", "parkingType", "0", "parkingText", "", "updatedAt", "2026-11-23T04:00:00.000Z")
		if err := send(b, 2); err != nil {
			return err
		}
	}
	go func() {
		defer conn.Close()
		t := time.NewTicker(10 * time.Millisecond)
		defer t.Stop()
		began, done := time.Now(), 0
		for {
			select {
			case <-s.quit:
				return
			case <-t.C:
			}
			due := int(time.Since(began).Seconds() * float64(rate))
			var b []byte
			for range due - done {
				st := &town.stations[town.IntN(len(town.stations))]
				b = command(b, "HSET", st.ID, "free", strconv.Itoa(town.IntN(10)), "inUse", strconv.Itoa(town.IntN(10)))
			}
			if due > done && send(b, due-done) != nil {
				return
			}
			done = due
		}
	}()
	return nil
}
