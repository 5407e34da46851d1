package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/registry"
	"github.com/dianchi-platform/dianchi/simulator"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// Sizes of the simulated city when none is given.
const (
	fullCity  = 200_000 // vehicles, and piles
	smallCity = 50_000
	enoughGiB = 12 // machines with less memory get the small city
)

// registerDemo registers the simulated city's parties that are not there yet
// and keeps all their passwords in file.
func registerDemo(ctx context.Context, r *registry.Registry, file string) (map[string]string, error) {
	accounts, err := readAccounts(file)
	if errors.Is(err, fs.ErrNotExist) {
		accounts, err = map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	known, err := r.Parties()
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, p := range known {
		there[p.Slug] = true
	}
	for _, p := range fleet.Parties() {
		if there[p.Slug] {
			if accounts[p.Slug] == "" {
				return nil, fmt.Errorf("party %s exists, but its password is not in %s: take another --data for the demo", p.Slug, file)
			}
			continue
		}
		_, password, err := r.AddParty(ctx, registry.NewParty{Slug: p.Slug, Kind: p.Kind, Name: p.Name, NameEn: p.NameEn})
		if err != nil {
			return nil, err
		}
		accounts[p.Slug] = password
		// At once: what a crash leaves without a password is refused above.
		if err := writeAccounts(file, accounts); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

func demoParties(ctx context.Context, c *config, words []string, _ io.Writer) error {
	if c.BrokerFiles != "" && c.BrokerPassword == "" {
		return errNoBrokerPassword
	}
	return beginRegistry(c, func(r *registry.Registry) error {
		if _, err := registerDemo(ctx, r, words[0]); err != nil {
			return err
		}
		if c.BrokerFiles == "" {
			return nil
		}
		all, err := r.Parties()
		if err != nil {
			return err
		}
		return auth.ExportMosquitto(c.BrokerFiles, all, auth.BrokerUser{Name: platformUser, Password: c.BrokerPassword})
	})
}

// startDemo adds the simulated city: a process of its own whose parties come
// through the same door as real ones.
func (a *app) startDemo(ctx context.Context, k *core) error {
	file := filepath.Join(a.cfg.Data, accountsIn)
	if _, err := registerDemo(ctx, k.registry, file); err != nil {
		return fmt.Errorf("cannot register the simulated city's parties: %w", err)
	}
	url := a.cfg.Broker
	if k.door != nil {
		url = "tcp://" + reachable(k.door.Addr())
	}
	vehicles, piles := citySize(a.cfg)
	args := []string{
		"simulator", "--broker", url, "--accounts", file,
		"--vehicles", strconv.Itoa(vehicles), "--piles", strconv.Itoa(piles),
		"--cadence", a.cfg.Cadence.String(), "--seed", strconv.Itoa(a.cfg.Seed),
		"--faults=" + strconv.FormatBool(a.cfg.Faults), "--log-level", a.cfg.LogLevel,
	}
	if a.cfg.City != "" {
		args = append(args, "--city", a.cfg.City)
	}
	if a.cfg.BrokerCA != "" {
		args = append(args, "--broker-ca", a.cfg.BrokerCA)
	}
	sim := &child{name: "simulator", args: args, log: a.log}
	sim.start()
	a.started("simulator", sim.stop)
	a.log.Info("simulated city joins", "vehicles", vehicles, "piles", piles)
	return nil
}

// citySize returns how many vehicles and piles the simulated city has.
func citySize(c *config) (vehicles, piles int) {
	size := fullCity
	if memoryGiB() < enoughGiB {
		size = smallCity
	}
	vehicles = cmp.Or(c.Vehicles, size)
	return vehicles, cmp.Or(c.Piles, vehicles)
}

// reachable returns an address of ours on which this machine reaches a listener.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || !t.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.Port))
}

// visitable returns the address for a browser on this machine.
func visitable(a net.Addr) string {
	host, port, err := net.SplitHostPort(reachable(a))
	if err != nil || host == "127.0.0.1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// runSimulator pushes a simulated city, or one party's share, to a platform.
func runSimulator(ctx context.Context, c *config, _ []string, out io.Writer) error {
	if c.Broker == "" {
		return usagef("simulator needs --broker URL, the platform's MQTT address")
	}
	accounts := map[string]string{}
	switch {
	case c.Party != "":
		if c.Password == "" {
			return usagef("simulator --party needs --password")
		}
		accounts[c.Party] = c.Password
	case c.Accounts != "":
		var err error
		if accounts, err = readAccounts(c.Accounts); err != nil {
			return err
		}
	default:
		return usagef("simulator needs --party with --password, or --accounts FILE")
	}
	trust, err := brokerTLS(c)
	if err != nil {
		return err
	}
	return serve(ctx, c, func(ctx context.Context, a *app, _ chan<- error) error {
		vehicles, piles := citySize(c)
		faults := fleet.Faults{}
		if c.Faults {
			faults = fleet.UsualFaults()
		}
		s := simulator.New(simulator.Config{
			Broker: c.Broker, Accounts: accounts, City: a.city, Party: c.Party, Vehicles: vehicles, Piles: piles,
			Cadence: c.Cadence, Seed: uint64(c.Seed), Faults: faults,
			StatsFile: c.Stats, TLS: trust,
		}, a.log)
		if err := s.Start(ctx); err != nil {
			return err
		}
		a.started("simulator", s.Stop)
		a.log.Info("simulator runs", "vehicles", vehicles, "piles", piles, "start", charge.At(time.Now()).String())
		return nil
	})
}
