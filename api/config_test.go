package api

import (
	"encoding/json"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/city"
)

func TestConfigSaysWhichCity(t *testing.T) {
	w := newWorld(t, func(_ *Config, d *Deps) { d.City = city.Kunming() })
	var got struct {
		Languages []string
		City      struct {
			Name, NameEn, Zone string
			Bounds             []float64
			Tariff             struct{ Bands []map[string]any }
			Places             []struct{ Lon, Lat float64 }
			Basemap            struct{ Schematic bool }
		}
	}
	if err := json.Unmarshal(w.get("/api/v1/config", "").body, &got); err != nil {
		t.Fatal(err)
	}
	c := got.City
	if !c.Basemap.Schematic {
		t.Errorf("basemap = %+v, want the schematic for Kunming", c.Basemap)
	}
	if c.NameEn != "Kunming" || c.Zone != "Asia/Shanghai" || len(c.Bounds) != 4 || c.Bounds[1] != 24.38 {
		t.Errorf("city = %+v", c)
	}
	if len(c.Tariff.Bands) != 8 || c.Tariff.Bands[1]["from"] != "02:00" || c.Tariff.Bands[1]["energyYuanPerKwh"] != 0.45 {
		t.Errorf("bands = %v, want eight with the valley from 02:00", c.Tariff.Bands)
	}
	box := city.Kunming().Bounds
	for i, p := range c.Places {
		if p.Lon < box.West || p.Lon > box.East || p.Lat < box.South || p.Lat > box.North {
			t.Errorf("place %d lies outside the city: %+v", i, p)
		}
	}
	if len(c.Places) == 0 || len(got.Languages) != 2 {
		t.Errorf("places %v, languages %v: want some", c.Places, got.Languages)
	}
}

func TestConfigWithoutACity(t *testing.T) {
	w := newWorld(t)
	if got := string(w.get("/api/v1/config", "").body); got != `{"languages":["zh-CN","en"],"city":null}` {
		t.Errorf("config = %s", got)
	}
}
