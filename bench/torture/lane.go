package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// shardSpan is how much of history the platform gives up at once when the disk
// runs short: six hours of Unix time. What a lane with a small disk sends stays
// inside one of them, because what is given up is rightly gone.
const shardSpan = 6 * 60 * 60 * 1000

// lane is one platform with everything around it.
type lane struct {
	name     string
	dir      string
	log      *events
	rng      *rand.Rand
	programs programs
	outside  bool // its broker and its InfluxDB are not the platform's own
	began    time.Time
	shard    int64 // the first ts that may be sent

	disk      *disk
	platform  *process
	mosquitto *process // outside only
	influxd   *process // outside only
	proxy     *proxy   // outside only

	http, mqtt string // host:port
	regulator  string
	store      func() (store, error)
	world      *world
	halt       context.CancelFunc
	clients    sync.WaitGroup

	checked int64 // ts: what is older was compared in a check before

	paused    atomic.Bool
	published atomic.Int64
	acks      atomic.Int64 // reports in acknowledged copies

	mu       sync.Mutex
	lastAck  time.Time
	longest  time.Duration // without a PUBACK
	counts   map[string]int
	wrong    []string
	current  string         // fault
	troubled [][2]time.Time // when faults were in force
}

// newLane builds the lane and has its world introduced. The lane is returned
// also with an error, to be ended.
func newLane(ctx context.Context, name, dir string, p programs, log *events, rng *rand.Rand, rate int) (*lane, error) {
	l := &lane{name: name, dir: filepath.Join(dir, name), log: log, rng: rng, programs: p, outside: name == "broker",
		began: time.Now(), counts: map[string]int{}, lastAck: time.Now()}
	if name != "door" && name != "broker" {
		return nil, errors.New("there are only door and broker")
	}
	oldest := l.began.UnixMilli() - 300_000 // of objects that report once
	l.shard = oldest - oldest%shardSpan
	data := filepath.Join(l.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	l.disk = newDisk(l.dir, data)
	say("lane %s: %s", name, l.disk.how)
	if err := l.setUp(ctx, data); err != nil {
		return l, err
	}
	l.world = newWorld(name, rate, rng)
	for _, w := range l.world.parties {
		kind := "maker"
		if w.operator {
			kind = "operator"
		}
		var err error
		if w.password, err = l.admin("party", "add", w.slug, "--kind", kind, "--name", "甲"); err != nil {
			return l, err
		}
	}
	var err error
	if l.regulator, err = l.admin("token", "add", "--role", "regulator"); err != nil {
		return l, err
	}
	if l.outside {
		if err := l.startBroker(); err != nil {
			return l, err
		}
	}
	if err := l.platform.start(); err != nil {
		return l, err
	}
	if err := l.awake(ctx); err != nil {
		return l, err
	}
	return l, l.introduce(ctx, rate)
}

// setUp prepares the platform and what stands around it.
func (l *lane) setUp(ctx context.Context, data string) error {
	var ports [4]int
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	l.http, l.mqtt = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	l.platform = &process{name: "platform", path: l.programs.dianchi, log: filepath.Join(l.dir, "platform.log"),
		log2: l.log, lane: l.name, env: []string{"DIANCHI_INFLUXD=" + l.programs.influxd},
		args: []string{"--data", data, "--http", l.http}}
	if !l.outside {
		l.platform.args = append(l.platform.args, "--mqtt", l.mqtt)
		l.store = func() (store, error) { return bundledStore(filepath.Join(data, "influxdb")) }
		return nil
	}
	l.influxd = l.outsideInfluxDB(ports[2], ports[3])
	if err := os.WriteFile(l.influxd.args[2], []byte(l.influxConf(ports[2], ports[3])), 0o600); err != nil {
		return err
	}
	if err := l.influxd.start(); err != nil {
		return err
	}
	own := store{url: fmt.Sprintf("http://127.0.0.1:%d", ports[2]), database: "dianchi", raw: "autogen", totals: "autogen"}
	l.store = func() (store, error) { return own, nil }
	if err := until(ctx, time.Minute, func() (string, bool) {
		_, err := own.query(ctx, "CREATE DATABASE dianchi")
		return fmt.Sprint(err), err == nil
	}); err != nil {
		return err
	}
	var err error
	if l.proxy, err = newProxy(strings.TrimPrefix(own.url, "http://"), l.rng.Uint64()); err != nil {
		return err
	}
	l.platform.env = append(l.platform.env, "DIANCHI_BROKER_PASSWORD="+brokerPassword)
	l.platform.args = append(l.platform.args, "--broker", "tcp://"+l.mqtt, "--broker-user", "dianchi",
		"--influx", "http://"+l.proxy.addr, "--influx-bucket", "dianchi/autogen")
	return nil
}

const brokerPassword = "between-us"

func (l *lane) outsideInfluxDB(port, rpc int) *process {
	return &process{name: "InfluxDB", path: l.programs.influxd, log: filepath.Join(l.dir, "influxd.log"), log2: l.log,
		lane: l.name, args: []string{"run", "-config", filepath.Join(l.dir, "influxd.conf")}, before: l.sealOutside}
}

// sealOutside keeps InfluxDB 1.8 from writing behind an entry that was cut off by
// a kill, which it would lose at the next one: it goes on in a new segment. The
// platform does so for its own; who runs another has to (docs/history.md).
func (l *lane) sealOutside() error {
	shards, err := filepath.Glob(filepath.Join(l.dir, "influx", "wal", "*", "*", "*"))
	for _, shard := range shards {
		segments, e := filepath.Glob(filepath.Join(shard, "_*.wal"))
		var n int
		if err = errors.Join(err, e); len(segments) == 0 {
			continue
		}
		if _, e := fmt.Sscanf(filepath.Base(slices.Max(segments)), "_%d.wal", &n); e != nil {
			return e
		}
		err = errors.Join(err, os.WriteFile(filepath.Join(shard, fmt.Sprintf("_%05d.wal", n+1)), nil, 0o600))
	}
	return err
}

func (l *lane) influxConf(port, rpc int) string {
	return fmt.Sprintf("reporting-disabled = true\nbind-address = \"127.0.0.1:%d\"\n[meta]\n dir = \"%s/influx/meta\"\n"+
		"[data]\n dir = \"%[2]s/influx/data\"\n wal-dir = \"%[2]s/influx/wal\"\n index-version = \"tsi1\"\n"+
		"[http]\n bind-address = \"127.0.0.1:%[3]d\"\n log-enabled = false\n[logging]\n level = \"warn\"\n", rpc, l.dir, port)
}

// startBroker runs mosquitto with the configuration that we deploy and the
// parties as the platform tells them.
func (l *lane) startBroker() error {
	files := filepath.Join(l.dir, "parties")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return err
	}
	l.platform.env = append(l.platform.env, "DIANCHI_BROKER_PASSWORD="+brokerPassword)
	if _, err := l.admin("broker-files", files); err != nil {
		return err
	}
	deployed, err := os.ReadFile(filepath.Join("deploy", "mosquitto", "mosquitto.conf"))
	if err != nil {
		return err
	}
	kept := filepath.Join(l.dir, "mosquitto")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.mqtt)
	conf := strings.NewReplacer("listener 1883", "listener "+port+" 127.0.0.1", "/mosquitto/parties", files,
		"/mosquitto/data", kept).Replace(string(deployed)) + "\nuser root\nlog_type error\nlog_type warning\n"
	file := filepath.Join(l.dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	l.mosquitto = &process{name: "mosquitto", path: l.programs.mosquitto, args: []string{"-c", file}, log2: l.log,
		lane: l.name, log: filepath.Join(l.dir, "mosquitto.log")}
	return l.mosquitto.start()
}

// admin runs one administration command and returns what it prints.
func (l *lane) admin(args ...string) (string, error) {
	var errOut bytes.Buffer
	cmd := exec.Command(l.programs.dianchi, append(args, "--data", filepath.Join(l.dir, "data"))...)
	cmd.Stderr = &errOut
	cmd.Env = append(os.Environ(), l.platform.env...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("dianchi %s: %w: %s", strings.Join(args, " "), err, &errOut)
	}
	return strings.TrimSpace(string(out)), nil
}

// awake waits until the platform answers and, in lane broker, has its broker.
func (l *lane) awake(ctx context.Context) error {
	return until(ctx, 90*time.Second, func() (string, bool) {
		var m struct {
			Ready bool `json:"ready"`
			Parts []struct {
				Name  string `json:"name"`
				Ready bool   `json:"ready"`
			} `json:"parts"`
		}
		if err := l.get(ctx, "/readyz", &m); err != nil {
			return err.Error(), false
		}
		for _, p := range m.Parts {
			if p.Name == "broker" && !p.Ready {
				return "the broker is not there", false
			}
		}
		return "not ready", m.Ready
	})
}

// introduce has every party say what it owns, and begins to publish.
func (l *lane) introduce(ctx context.Context, rate int) error {
	own, halt := context.WithCancel(context.Background())
	l.halt = halt
	l.paused.Store(true)
	interval := time.Duration(float64(time.Second) * perMessage * float64(len(l.world.clients)) / float64(rate))
	for _, c := range l.world.clients {
		c.lane, c.asked, c.orders = l, make(chan *message), make(chan order)
		c.stale = l.began.UnixMilli()/2*2 - 400_000 + 1
		l.clients.Go(func() { c.run(own, interval) })
	}
	for _, c := range l.world.clients {
		if err := c.introduce(ctx); err != nil {
			return err
		}
	}
	if err := until(ctx, time.Minute, func() (string, bool) { // behind a broker a PUBACK is not ours
		var o overview
		err := l.get(ctx, "/api/v1/overview", &o)
		return fmt.Sprint(o, err), err == nil && o.Stations == len(l.world.stations)
	}); err != nil {
		return fmt.Errorf("the stations are not known: %w", err)
	}
	if err := l.brokerKnowsUs(ctx); err != nil {
		return err
	}
	l.paused.Store(false)
	return nil
}

// brokerKnowsUs has mosquitto save once: before that it would, if it were
// killed, forget that there is a platform, and drop what is published.
func (l *lane) brokerKnowsUs(ctx context.Context) error {
	if !l.outside {
		return nil
	}
	asked := time.Now()
	return until(ctx, time.Minute, func() (string, bool) {
		l.mosquitto.signal(syscall.SIGUSR1) // save now
		st, err := os.Stat(filepath.Join(l.dir, "mosquitto", "mosquitto.db"))
		return fmt.Sprintf("mosquitto has saved nothing: %v", err), err == nil && st.ModTime().After(asked)
	})
}

// introduce says the client's stations, or half of its vehicles.
func (c *client) introduce(ctx context.Context) error {
	var list []string
	say := func(kind string) error {
		if len(list) == 0 {
			return nil
		}
		err := c.ask(ctx, kind, "["+strings.Join(list, ",")+"]", len(list))
		list = list[:0]
		return err
	}
	kind := "fleet"
	if c.party.operator {
		kind = "stations"
	}
	for i, o := range c.objects {
		switch {
		case kind == "stations" && i%pilesPerStation == 0:
			list = append(list, o.station.payload())
		case kind == "fleet" && i%2 == 0:
			list = append(list, fmt.Sprintf(`{"vin":%q,"class":"private","model":"EU5","batteryKwh":53.6}`, o.id))
		}
		if len(list) == 50 {
			if err := say(kind); err != nil {
				return err
			}
		}
	}
	return say(kind)
}

// acked takes note of a PUBACK.
func (l *lane) acked(m *message) {
	l.acks.Add(int64(m.reports))
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.paused.Load() {
		l.longest = max(l.longest, now.Sub(l.lastAck))
	}
	l.lastAck = now
}

// fault notes something that must not be.
func (l *lane) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.log.add(l.name, "WRONG: %s", text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, text)
}

func (l *lane) tally(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

// line is what progress says of the lane.
func (l *lane) line() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var waiting int64
	for _, c := range l.world.clients {
		waiting += c.waiting.Load()
	}
	current := l.current
	if current == "" {
		current = "calm"
	}
	return fmt.Sprintf("%d published, %d acknowledged, %d messages under way, %s", l.published.Load(), l.acks.Load(),
		waiting, current)
}

var webClient = &http.Client{Timeout: 15 * time.Second}

// end stops everything of the lane and gives its disk back.
func (l *lane) end() {
	if l.halt != nil {
		l.halt()
		l.clients.Wait()
	}
	for _, p := range []*process{l.platform, l.mosquitto, l.influxd} {
		if p != nil {
			p.end()
		}
	}
	l.endBundled()
	if l.proxy != nil {
		l.proxy.close()
	}
	l.disk.release()
}

// endBundled waits for the end of an InfluxDB that lost its platform.
func (l *lane) endBundled() {
	for range 100 {
		pid := l.bundledPID()
		if pid == 0 || syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	if pid := l.bundledPID(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		time.Sleep(200 * time.Millisecond)
	}
}
