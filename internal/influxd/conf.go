package influxd

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sizes are the settings that follow from the machine's memory.
type sizes struct {
	snapshotMB, cacheMB uint64
	limit               uint64 // GOMEMLIMIT in bytes
}

// sizesFor plans for a machine of mem bytes. On 16 GiB and more the caches are
// those that were measured at 400,000 series (docs/benchmarks.md): the defaults
// cost half as much CPU again there.
func sizesFor(mem uint64) sizes {
	const gib = 1 << 30
	limit := max(mem/3, gib/2)
	switch {
	case mem >= 15*gib: // machines sold as 16 GiB report a little less
		return sizes{512, 4096, limit}
	case mem >= 7*gib:
		return sizes{128, 1024, limit}
	default:
		return sizes{64, 512, limit}
	}
}

// conf returns the configuration file of influxd 1.8. Flux stays off: it compiles
// its library at each start, five seconds of CPU after which there is an answer,
// against 0.07 s without; history asks in InfluxQL.
func (d *Daemon) conf(port int) string {
	s := sizesFor(d.memory())
	return fmt.Sprintf(`# Written by dianchi at every start; changes are lost.
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = %[1]q
  logging-enabled = false
[data]
  dir = %[2]q
  wal-dir = %[3]q
  index-version = "tsi1"
  wal-fsync-delay = "0s"
  query-log-enabled = false
  cache-snapshot-memory-size = "%[4]dm"
  cache-max-memory-size = "%[5]dm"
  max-series-per-database = 0
  max-values-per-tag = 0
[retention]
  check-interval = "10m"
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:%[6]d"
  auth-enabled = true
  flux-enabled = false
  log-enabled = false
  pprof-enabled = false
[logging]
  format = "logfmt"
  level = "warn"
`, d.path("meta"), d.path("data"), d.path("wal"), s.snapshotMB, s.cacheMB, port)
}

func (d *Daemon) path(name string) string {
	p, err := filepath.Abs(filepath.Join(d.cfg.Dir, name))
	if err != nil {
		return filepath.Join(d.cfg.Dir, name)
	}
	return p
}

func (d *Daemon) memory() uint64 {
	if d.cfg.Memory > 0 {
		return d.cfg.Memory
	}
	return machineMemory()
}

// machineMemory returns the bytes of memory that this process may use: the
// machine's or its control group's, whichever is less; 8 GiB where neither is told.
func machineMemory() uint64 {
	mem := uint64(8 << 30)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			var kb uint64
			if _, err := fmt.Sscanf(sc.Text(), "MemTotal: %d kB", &kb); err == nil {
				mem = kb << 10
				break
			}
		}
	}
	for _, p := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(p); err == nil {
			if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil && n < mem {
				mem = n
			}
		}
	}
	return mem
}

// loadPassword reads the password file, or makes it with 128 random bits. It is
// on disk before influxd may learn it.
func loadPassword(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if p := strings.TrimSpace(string(b)); p != "" {
			return p, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot read the password of InfluxDB: %w", err)
	}
	p := rand.Text()
	if err := writeFile(path, p+"\n"); err != nil {
		return "", fmt.Errorf("cannot keep the password of InfluxDB: %w", err)
	}
	return p, nil
}

// writeFile puts text at path with mode 0600, whole or not at all.
func writeFile(path, text string) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
