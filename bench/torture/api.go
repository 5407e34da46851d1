package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// overview is what GET /overview counts.
type overview struct {
	Vehicles vehicleCounts `json:"vehicles"`
	Piles    pileCounts    `json:"piles"`
	PowerKW  float64       `json:"powerKw"`
	Stations int           `json:"stations"`
}

type vehicleCounts struct {
	Total    int `json:"total"`
	Online   int `json:"online"`
	Driving  int `json:"driving"`
	Charging int `json:"charging"`
	Alarm    int `json:"alarm"`
}

type pileCounts struct {
	Total    int `json:"total"`
	Free     int `json:"free"`
	InUse    int `json:"inUse"`
	Charging int `json:"charging"`
	Reserved int `json:"reserved"`
	Fault    int `json:"fault"`
	Offline  int `json:"offline"`
}

// get asks the platform as a regulator.
func (l *lane) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.http+path, nil)
	if err != nil {
		return err
	}
	if l.regulator != "" {
		req.Header.Set("Authorization", "Bearer "+l.regulator)
	}
	res, err := webClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %.200s", path, res.Status, b)
	}
	return json.Unmarshal(b, into)
}

var pidIn = regexp.MustCompile(`pid=(\d+)`)

// bundledPID returns the process of the bundled InfluxDB, 0 when there is none.
func (l *lane) bundledPID() int {
	b, err := os.ReadFile(filepath.Join(l.dir, "data", "influxdb", "influxd.pid"))
	if err != nil {
		return 0
	}
	m := pidIn.FindSubmatch(b)
	if m == nil {
		return 0
	}
	pid, _ := strconv.Atoi(string(m[1])) // digits only
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || exe != l.programs.influxd {
		return 0
	}
	return pid
}
