package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

const (
	sampleOperator = "sample-operator"
	sampleMaker    = "sample-maker"
	sampleCount    = 200             // of each kind
	sampleVINs     = 950_000         // numbers of VINs from here on
	sampleEvery    = 2 * time.Second // each of them reports, with other values
	quietPart      = 10              // one of so many falls silent after its first report
)

// samples are objects whose every acknowledged report is remembered here: the
// model that the platform must equal after its restart.
type samples struct {
	mu     sync.Mutex
	piles  map[string]sample // as acknowledged
	cars   map[string]sample
	unsure map[string]sample // sent and not acknowledged when the plug was pulled
	halt   context.CancelFunc
	done   sync.WaitGroup
	token  string
}

type sample struct {
	ts    int64
	value float64 // powerKw or speedKmh
}

// startSamples registers two parties and lets their objects report.
func startSamples(ctx context.Context, p *lab.Platform) (*samples, error) {
	s := &samples{piles: map[string]sample{}, cars: map[string]sample{}, unsure: map[string]sample{}}
	var err error
	if s.token, err = p.Admin(ctx, "token", "add", "--role", "regulator"); err != nil {
		return nil, err
	}
	own, halt := context.WithCancel(ctx)
	s.halt = halt
	for _, party := range []struct{ slug, kind string }{{sampleOperator, "operator"}, {sampleMaker, "maker"}} {
		password, err := p.Admin(ctx, "party", "add", party.slug, "--kind", party.kind, "--name", party.slug)
		if err != nil {
			return nil, err
		}
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + p.MQTT).SetClientID("sample").
			SetUsername(party.slug).SetPassword(password).SetProtocolVersion(4).SetAutoReconnect(false))
		if k := c.Connect(); !k.WaitTimeout(20*time.Second) || k.Error() != nil {
			return nil, fmt.Errorf("%s cannot connect: %w", party.slug, k.Error())
		}
		if party.kind == "operator" {
			var piles []string
			for i := range sampleCount {
				piles = append(piles, fmt.Sprintf(`{"id":"P%d","kind":"dc","ratedKw":120}`, i))
			}
			text := fmt.Sprintf(`{"id":"S","name":"样本","lon":102.71,"lat":25.03,"piles":[%s]}`, strings.Join(piles, ","))
			k := c.Publish(charge.Topic(party.slug, charge.Stations), 1, false, text)
			if !k.WaitTimeout(20*time.Second) || k.Error() != nil {
				return nil, fmt.Errorf("the sample station is not acknowledged: %w", k.Error())
			}
		}
		s.done.Go(func() {
			defer c.Disconnect(0)
			for round := 0; s.report(own, c, party.slug, round); round++ {
				if lab.Sleep(own, sampleEvery) != nil {
					return
				}
			}
		})
	}
	return s, nil
}

// report sends one message with all objects of a party; false when it is over.
func (s *samples) report(ctx context.Context, c mqtt.Client, slug string, round int) bool {
	now := time.Now().UnixMilli()
	sent := map[string]sample{}
	var text []string
	kind, model := charge.Piles, s.piles
	for i := range sampleCount {
		if round > 0 && i%quietPart == 0 {
			continue
		}
		x := sample{now, float64(10 + (round*7+i)%80)}
		if slug == sampleOperator {
			id := fmt.Sprintf("P%d", i)
			sent[id] = x
			text = append(text, fmt.Sprintf(`{"id":%q,"ts":%d,"status":3,"powerKw":%g}`, id, now, x.value))
			continue
		}
		kind, model = charge.Vehicles, s.cars
		vin := stream.VIN(sampleVINs + i)
		sent[vin] = x
		text = append(text, fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":102.71,"lat":25.03,"speedKmh":%g,"state":1}`, vin, now, x.value))
	}
	k := c.Publish(charge.Topic(slug, kind), 1, false, "["+strings.Join(text, ",")+"]")
	acked := false
	select {
	case <-k.Done():
		acked = k.Error() == nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range sent {
		if acked {
			model[id] = x
			delete(s.unsure, id)
		} else {
			s.unsure[id] = x
		}
	}
	return acked
}

// stop ends the reports.
func (s *samples) stop() {
	s.halt()
	s.done.Wait()
}

// compare asks the platform for every sample and returns what differs.
func (s *samples) compare(ctx context.Context, p *lab.Platform) (wrong []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, want := range s.piles {
		var a struct {
			Pile struct {
				PowerKW   float64   `json:"powerKw"`
				UpdatedAt time.Time `json:"updatedAt"`
			} `json:"pile"`
		}
		if err := s.get(ctx, p, "/piles/"+sampleOperator+":"+id, &a); err != nil {
			return nil, err
		}
		got := sample{a.Pile.UpdatedAt.UnixMilli(), a.Pile.PowerKW}
		if last, ok := s.unsure[id]; got != want && !(ok && got == last) {
			wrong = append(wrong, fmt.Sprintf("pile %s is %v, want %v", id, got, want))
		}
	}
	for vin, want := range s.cars {
		var a struct {
			Vehicle struct {
				SpeedKMH  float64   `json:"speedKmh"`
				UpdatedAt time.Time `json:"updatedAt"`
			} `json:"vehicle"`
		}
		if err := s.get(ctx, p, "/vehicles/"+vin, &a); err != nil {
			return nil, err
		}
		got := sample{a.Vehicle.UpdatedAt.UnixMilli(), a.Vehicle.SpeedKMH}
		if last, ok := s.unsure[vin]; got != want && !(ok && got == last) {
			wrong = append(wrong, fmt.Sprintf("vehicle %s is %v, want %v", vin, got, want))
		}
	}
	if len(s.piles) != sampleCount || len(s.cars) != sampleCount {
		wrong = append(wrong, fmt.Sprintf("only %d and %d samples were acknowledged", len(s.piles), len(s.cars)))
	}
	return wrong, nil
}

// get asks the API as the regulator.
func (s *samples) get(ctx context.Context, p *lab.Platform, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.HTTP+"/api/v1"+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
