package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Platform is a running Dianchi with a data folder of its own.
type Platform struct {
	*Process
	Program, Influxd string
	Dir, Data        string // Data is in Dir
	HTTP, MQTT       string // host:port
	Command          string // "" runs everything, "ingest" what takes and keeps
	Env              []string
	Child            int // the bundled influxd's pid; 0 with --influx
}

var (
	readyLine = regexp.MustCompile(`ready: (?:api processes follow )?http://localhost:(\d+)`)
	doorLine  = regexp.MustCompile(`MQTT door is open.* addr=\S*:(\d+)`)
	childLine = regexp.MustCompile(`pid=(\d+)`)
)

// Build makes bin/dianchi of the source tree and finds bin/influxd; both paths
// are absolute. It must be called in the root of the source tree.
func Build(ctx context.Context) (program, influxd string, err error) {
	if program, err = filepath.Abs("bin/dianchi"); err != nil {
		return "", "", err
	}
	if influxd, err = filepath.Abs("bin/influxd"); err != nil {
		return "", "", err
	}
	if _, err := os.Stat(influxd); err != nil {
		return "", "", errors.New("there is no bin/influxd here; run `make influxd` in the root of the source tree")
	}
	Say("building bin/dianchi")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("cannot build the program: %w: %s", err, out)
	}
	return program, influxd, nil
}

// StartPlatform builds the program and starts it in dir on free ports; args come
// on top. Without --influx among them it runs its own store.
func StartPlatform(ctx context.Context, dir string, args ...string) (*Platform, error) {
	p := &Platform{Dir: dir, Data: filepath.Join(dir, "data")}
	var err error
	if p.Program, p.Influxd, err = Build(ctx); err != nil {
		return nil, err
	}
	return p, p.Launch(ctx, args...)
}

// Launch starts the program on the data folder, which may have been in use before.
func (p *Platform) Launch(ctx context.Context, args ...string) error {
	bundled := true
	for _, a := range args {
		bundled = bundled && a != "--influx"
	}
	var err error
	all := append([]string{"--data", p.Data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}, args...)
	if p.Command != "" {
		all = append([]string{p.Command}, all...)
	}
	p.Process, err = Launch(filepath.Join(p.Dir, "platform.log"),
		append([]string{"DIANCHI_INFLUXD=" + p.Influxd}, p.Env...), p.Program, all...)
	if err != nil {
		return err
	}
	err = Until(ctx, time.Minute, "the platform's start", func() bool {
		http, mqtt := p.Find(readyLine), p.Find(doorLine)
		p.HTTP, p.MQTT = "127.0.0.1:"+http, "127.0.0.1:"+mqtt
		return http != "" && mqtt != "" && (!bundled || p.influxPID()) || p.Ended()
	})
	if err == nil && p.Ended() {
		err = fmt.Errorf("the platform ended at once:\n%s", p.Tail())
	}
	if err != nil {
		return errors.Join(err, p.Stop())
	}
	return nil
}

// influxPID reads the pid of the bundled store and reports whether there is one.
func (p *Platform) influxPID() bool {
	b, err := os.ReadFile(filepath.Join(p.Data, "influxdb", "influxd.pid"))
	if err != nil {
		return false
	}
	if m := childLine.FindSubmatch(b); m != nil {
		p.Child, _ = strconv.Atoi(string(m[1]))
	}
	return p.Child > 0
}

// Admin runs one administration command and returns what it prints.
func (p *Platform) Admin(ctx context.Context, args ...string) (string, error) {
	var errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, p.Program, append(args, "--data", p.Data)...)
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("dianchi %s: %w: %s", strings.Join(args, " "), err, &errOut)
	}
	return strings.TrimSpace(string(out)), nil
}
