package auth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

// BrokerUser is the account that the platform itself has at an outside broker.
type BrokerUser struct{ Name, Password string }

// check refuses a name that is a party's, also a removed one's.
func (u BrokerUser) check(parties []charge.Party) error {
	if u.Name == "" || strings.ContainsAny(u.Name, ":\r\n\x00# ") {
		return fmt.Errorf("broker user %q must have at least a character and none of colon, space and #", u.Name)
	}
	if slices.ContainsFunc(parties, func(p charge.Party) bool { return p.Slug == u.Name }) {
		return fmt.Errorf("broker user %s is a party's slug: choose another name", u.Name)
	}
	return nil
}

// WritePasswords writes a password file for mosquitto 1.6 or newer: the
// parties with the hashes that the registry has, and the platform's own user.
func WritePasswords(w io.Writer, parties []charge.Party, platform BrokerUser) error {
	if err := platform.check(parties); err != nil {
		return err
	}
	hash, err := secret.HashPassword(platform.Password)
	if err != nil {
		return fmt.Errorf("broker user %s: %w", platform.Name, err)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s:%s\n", platform.Name, hash)
	for _, p := range parties {
		if !p.Removed {
			fmt.Fprintf(b, "%s:%s\n", p.Slug, p.PasswordHash)
		}
	}
	return b.Flush()
}

// WriteACL writes mosquitto's access list: a party writes its own kind's
// topics and reads its feedback, the platform reads all and writes feedback.
func WriteACL(w io.Writer, parties []charge.Party, platform BrokerUser) error {
	if err := platform.check(parties); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Made by dianchi from its registry: changes by hand are lost.\nuser %s\n", platform.Name)
	for p := charge.Stations; p < charge.Feedback; p++ {
		fmt.Fprintf(b, "topic read %s\n", charge.Topic("+", p))
	}
	fmt.Fprintf(b, "topic write %s\n", charge.Topic("+", charge.Feedback))
	for _, party := range parties {
		if party.Removed {
			continue
		}
		fmt.Fprintf(b, "\nuser %s\n", party.Slug)
		for p := charge.Stations; p < charge.Feedback; p++ {
			if p.PublishedBy() == party.Kind {
				fmt.Fprintf(b, "topic write %s\n", charge.Topic(party.Slug, p))
			}
		}
		fmt.Fprintf(b, "topic read %s\n", charge.Topic(party.Slug, charge.Feedback))
	}
	return b.Flush()
}

// ExportMosquitto writes the files passwd and acl into dir, each in one step
// and readable for its owner and group. Mosquitto reads them again on SIGHUP.
func ExportMosquitto(dir string, parties []charge.Party, platform BrokerUser) error {
	type writer = func(io.Writer, []charge.Party, BrokerUser) error
	for name, write := range map[string]writer{"passwd": WritePasswords, "acl": WriteACL} {
		err := replace(filepath.Join(dir, name), func(w io.Writer) error { return write(w, parties, platform) })
		if err != nil {
			return fmt.Errorf("cannot export %s for mosquitto: %w", name, err)
		}
	}
	return nil
}

// replace writes a file under another name and moves it into place.
func replace(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
