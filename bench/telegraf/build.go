package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// Telegraf's module: the version and the checksum of its contents, which name
// those of all modules that it is built with.
const (
	telegrafModule  = "github.com/influxdata/telegraf"
	telegrafVersion = "v1.37.2"
	telegrafSum     = "h1:mYr0I/suEw9+UM4KrCFuYuzJuq/e99cINniIwqO6ykw="
	telegrafTags    = "custom,inputs.mqtt_consumer,parsers.json,parsers.json_v2,outputs.influxdb_v2"
)

// programs are what is run, with absolute paths.
type programs struct{ dianchi, influxd, mosquitto, telegraf string }

// prepare finds or builds them.
func prepare(ctx context.Context) (*programs, error) {
	p := &programs{}
	var err error
	if p.dianchi, p.influxd, err = lab.Build(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if file, err := exec.LookPath(name); err == nil {
			p.mosquitto = file
		}
	}
	if p.mosquitto == "" {
		return nil, errors.New("mosquitto is not installed; run: make deps-test")
	}
	if p.telegraf, err = filepath.Abs("bin/telegraf"); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, p.telegraf, "version").Output()
	if err == nil && strings.Contains(string(out), strings.TrimPrefix(telegrafVersion, "v")) {
		return p, nil
	}
	return p, buildTelegraf(ctx, p.telegraf)
}

// buildTelegraf builds it in the folder where its module was put, so that its
// own go.mod and go.sum count, and with the plugins alone that are used.
func buildTelegraf(ctx context.Context, file string) error {
	lab.Say("building Telegraf %s", telegrafVersion)
	var errOut bytes.Buffer
	get := exec.CommandContext(ctx, "go", "mod", "download", "-json", telegrafModule+"@"+telegrafVersion)
	get.Dir, get.Stderr = os.TempDir(), &errOut
	out, err := get.Output()
	if err != nil {
		return fmt.Errorf("cannot fetch Telegraf: %w: %s", err, &errOut)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	if module.Sum != telegrafSum {
		return fmt.Errorf("the module %s@%s has the checksum %s, not %s", telegrafModule, telegrafVersion, module.Sum,
			telegrafSum)
	}
	build := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-tags", telegrafTags,
		"-ldflags", "-s -w -X "+telegrafModule+"/internal.Version="+strings.TrimPrefix(telegrafVersion, "v"),
		"-o", file, "./cmd/telegraf")
	build.Dir, build.Env = module.Dir, append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build Telegraf: %w: %s", err, out)
	}
	return nil
}
