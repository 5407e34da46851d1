package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dianchi-platform/dianchi"

// allowed is the table of rooms: which rooms of ours and which libraries each
// may name outside its tests. A room that is not here fails the test.
var allowed = map[string]struct{ ours, theirs string }{
	// level 0
	"internal/charge":   {},
	"internal/tally":    {},
	"internal/spool":    {theirs: "golang.org/x/sys"},
	"internal/snapfile": {},
	"internal/geo":      {theirs: "github.com/uber/h3-go/v4"},
	"internal/secret":   {},
	"internal/wsock":    {},
	"internal/past":     {ours: "charge"},
	// level 1
	"internal/city":        {ours: "charge geo"},
	"internal/quality":     {ours: "charge geo city"},
	"internal/wire/report": {ours: "charge geo"},
	"internal/wire/record": {ours: "charge"},
	"internal/account":     {ours: "charge wire/record"},
	"internal/alarm":       {ours: "charge wire/record"},
	"internal/tail":        {ours: "charge wire/record"},
	// level 2: never each other
	"internal/live":     {ours: "charge geo city wire/record snapfile"},
	"internal/influx":   {ours: "charge spool wire/record tally", theirs: "github.com/influxdata/influxdb-client-go/v2"},
	"internal/influxd":  {ours: "charge tally secret", theirs: "golang.org/x/sys"},
	"internal/registry": {ours: "alarm charge spool wire/record secret tally", theirs: "modernc.org/sqlite"},
	"internal/auth":     {ours: "charge secret tally"},
	"internal/follow":   {ours: "alarm charge past spool tail wire/record snapfile tally secret"},
	// level 3
	"ingest":          {ours: "account alarm charge city geo live quality spool snapfile tail tally wire/record wire/report ingest/door"},
	"ingest/door":     {ours: "charge tally", theirs: "github.com/eclipse/paho.mqtt.golang/packets github.com/eclipse/paho.golang/packets"},
	"ingest/broker":   {ours: "charge ingest/door", theirs: "github.com/eclipse/paho.mqtt.golang"},
	"api":             {ours: "account alarm charge auth city geo influx live past quality tail tally wire/record wsock", theirs: "github.com/gorilla/websocket github.com/andybalholm/brotli github.com/prometheus/client_golang golang.org/x/sys"},
	"api/apitest":     {ours: "geo"},
	"dashboard":       {ours: "charge"},
	"simulator":       {ours: "charge city wire/report simulator/fleet", theirs: "github.com/eclipse/paho.mqtt.golang"},
	"simulator/fleet": {ours: "charge city geo"},
}

// free may name anything: the root builds all parts, bench programs drive them.
func free(dir string) bool { return dir == "." || strings.HasPrefix(dir, "bench") }

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || path == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		seen[dir] = true
		if free(dir) {
			return nil
		}
		room, ok := allowed[dir]
		if !ok {
			t.Errorf("%s has no row in the table of rooms", dir)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, im := range f.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			if !mayImport(room.ours, room.theirs, p) {
				t.Errorf("%s: %s may not import %s", path, dir, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range allowed {
		if !seen[dir] {
			t.Errorf("the table of rooms names %s, which has no code", dir)
		}
	}
}

func mayImport(ours, theirs, path string) bool {
	if own, ok := strings.CutPrefix(path, module+"/"); ok {
		return slices.Contains(strings.Fields(ours), strings.TrimPrefix(own, "internal/"))
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	return slices.ContainsFunc(strings.Fields(theirs), func(lib string) bool {
		return path == lib || strings.HasPrefix(path, lib+"/")
	})
}
