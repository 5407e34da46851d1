package influxd

import (
	"errors"
	"os"
	"path/filepath"
)

// errNoBinary means that influxd has not been built, or not yet.
var errNoBinary = errors.New("there is no influxd; build it with `make bin/influxd`, or name one with DIANCHI_INFLUXD")

// Find returns the influxd to run: named if it is not empty, else the file
// influxd beside the running program, else bin/influxd beside the nearest go.mod
// at or above the working folder. An influxd on PATH is not looked for: it may be
// another version with another format on disk.
func Find(named string) (string, error) {
	if named != "" {
		if isProgram(named) {
			return named, nil
		}
		return "", errNoBinary
	}
	if exe, err := os.Executable(); err == nil {
		if p := filepath.Join(filepath.Dir(exe), "influxd"); isProgram(p) {
			return p, nil
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", errNoBinary
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if p := filepath.Join(dir, "bin", "influxd"); isProgram(p) {
				return p, nil
			}
			return "", errNoBinary
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errNoBinary
		}
		dir = up
	}
}

func isProgram(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}
