package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"github.com/dianchi-platform/dianchi/ingest/broker"
	"github.com/dianchi-platform/dianchi/ingest/door"
)

// entrance is what the flags say about where parties' messages come from.
type entrance struct {
	door   door.Config // without an address when a broker stands elsewhere
	broker *tls.Config // nil: the system's
}

// checkSource finds out early, and says in one line, what is wrong with the
// settings of the door or the outside broker.
func checkSource(ctx context.Context, c *config, log *slog.Logger) (s entrance, err error) {
	if c.Broker != "" {
		if c.MQTTTLS != "" {
			return s, usagef("--mqtt-tls is the embedded door's, which --broker replaces: leave one of them out")
		}
		s.broker, err = brokerTLS(c)
		return s, err
	}
	s.door = door.Config{
		Addr: c.MQTT, TLSAddr: c.MQTTTLS,
		MaxConns: c.MQTTConns, MaxPartyConns: c.MQTTParty, MaxAddrWaiting: c.MQTTAddress,
		ConnectTimeout: c.MQTTLogin, WriteTimeout: c.MQTTSlow, Window: c.MQTTWindow,
		MaxPayload: c.MQTTPacket << 10, MaxFilters: c.MQTTFilters,
	}
	if c.MQTT == "off" {
		s.door.Addr = ""
	}
	switch {
	case s.door.Addr == "" && c.MQTTTLS == "":
		return s, usagef("--mqtt off leaves no way in: give --mqtt-tls ADDR, or --broker URL")
	case s.door.Addr == "" && c.Demo:
		return s, usagef("--demo pushes to the door without TLS: give it --mqtt 127.0.0.1:1883 beside --mqtt-tls")
	case c.MQTTTLS != "" && (c.MQTTCert == "" || c.MQTTKey == ""):
		return s, usagef("--mqtt-tls needs --mqtt-cert FILE and --mqtt-key FILE")
	case c.MQTTTLS == "" && (c.MQTTCert != "" || c.MQTTKey != ""):
		return s, usagef("--mqtt-cert and --mqtt-key are for --mqtt-tls ADDR, which is not given")
	}
	if s.door.TLSAddr != "" {
		if s.door.KeyPair, err = door.LoadKeyPair(c.MQTTCert, c.MQTTKey, log); err != nil {
			return s, fmt.Errorf("--mqtt-cert, --mqtt-key: %w", err)
		}
		if err := mayListen(ctx, "--mqtt-tls", s.door.TLSAddr); err != nil {
			return s, err
		}
	}
	if s.door.Addr != "" {
		if err := mayListen(ctx, "--mqtt", s.door.Addr); err != nil {
			return s, err
		}
	}
	return s, nil
}

// openFiles returns how many files the process may open; 0 is any number.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}

// connsOf returns how many of a process's files may be connections: what spool,
// stores and pages need stays free. 0 is any number.
func connsOf(files int) int { return max(files-1000, files/4*3) }

// keptForParties is how many connections stay free for parties, or a quarter of
// what there is, however many people come over HTTP.
const keptForParties = 1000

// boundByFiles keeps connections from taking the files that the spool needs.
func boundByFiles(c *door.Config, log *slog.Logger) {
	files := openFiles()
	if files == 0 {
		return
	}
	c.MaxAll = connsOf(files)
	most := max(16, files/2)
	c.MaxWaiting = min(4096, max(16, most/4))
	if c.MaxConns > most {
		log.Warn("fewer MQTT connections than --mqtt-conns: raise the limit of open files (ulimit -n)",
			"connections", most, "files", files)
		c.MaxConns = most
	}
}

// brokerTLS returns whose signatures an outside broker's certificate may bear;
// nil for those that the system trusts.
func brokerTLS(c *config) (*tls.Config, error) {
	if c.BrokerCA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.BrokerCA)
	if err != nil {
		return nil, fmt.Errorf("--broker-ca: cannot read %w", reason(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--broker-ca: %s has no certificate in PEM", c.BrokerCA)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// newSource makes the embedded door, or the client of a broker elsewhere.
func (a *app) newSource(k *core, s entrance) {
	c := a.cfg
	if c.Broker != "" {
		k.broker = broker.New(broker.Config{
			URL: c.Broker, User: c.BrokerUser, Password: c.BrokerPassword, TLS: s.broker,
			Instance: k.registry.Instance(),
		}, a.log, k.access, k.pipeline)
		return
	}
	boundByFiles(&s.door, a.log)
	k.door = door.New(s.door, a.log, door.Deps{
		Auth: passwords{k.access}, Taker: k.pipeline, Full: func() bool { return k.pipeline.Stalled() != 0 },
		Others: func() int {
			if s := k.http.Load(); s != nil {
				return s.Connections()
			}
			return 0
		},
	})
}
