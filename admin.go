package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/registry"
)

// withRegistry opens the registry of the data folder for one act of
// administration. A running platform sees the change at once. A folder without
// a registry is refused: it is a slip of the hand, or not there yet.
func withRegistry(c *config, act func(*registry.Registry) error) error {
	if !isPlatform(c.Data) {
		return fmt.Errorf("%s is no platform's data folder: name the right one with --data, or begin one with party add",
			absolute(c.Data))
	}
	return openRegistry(c, act)
}

// beginRegistry is withRegistry for what may come before the first start: it
// makes the folder, and says that it did.
func beginRegistry(c *config, act func(*registry.Registry) error) error {
	fresh := !isPlatform(c.Data)
	return openRegistry(c, func(r *registry.Registry) error {
		if err := act(r); err != nil || !fresh {
			return err
		}
		_, err := fmt.Fprintf(c.notes, "dianchi: %s is a new data folder, made just now; if a platform runs already, name its folder "+
			"with --data\n", absolute(c.Data))
		return err
	})
}

// isPlatform reports whether a platform, or a command before it, has made dir.
func isPlatform(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, registry.File))
	return !errors.Is(err, fs.ErrNotExist)
}

// absolute returns dir as it is found from anywhere, if that can be said.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

func openRegistry(c *config, act func(*registry.Registry) error) error {
	r, err := registry.Open(c.Data, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	err = act(r)
	if e := r.Close(); err == nil {
		err = e
	}
	return err
}

func partyAdd(ctx context.Context, c *config, words []string, out io.Writer) error {
	kind := map[string]charge.PartyKind{"operator": charge.Operator, "maker": charge.Maker}[c.Kind]
	if kind == 0 {
		return usagef("party add needs --kind operator or --kind maker")
	}
	if c.Name == "" {
		return usagef("party add needs --name 名称")
	}
	return beginRegistry(c, func(r *registry.Registry) error {
		_, password, err := r.AddParty(ctx, registry.NewParty{Slug: words[0], Kind: kind, Name: c.Name, NameEn: c.NameEn})
		if err != nil {
			return wrongUse(err)
		}
		_, err = fmt.Fprintln(out, password)
		return err
	})
}

// wrongUse makes a value that the caller gave wrongly exit with 2.
func wrongUse(err error) error {
	if charge.CodeOf(err) == charge.ValueRange {
		return usageError{err.Error()}
	}
	return err
}

func partyList(_ context.Context, c *config, _ []string, out io.Writer) error {
	return withRegistry(c, func(r *registry.Registry) error {
		all, err := r.Parties()
		if err != nil {
			return err
		}
		for _, p := range all {
			state := ""
			if p.Removed {
				state = "\tremoved"
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s%s\n", p.Slug, p.Kind, p.Name, p.NameEn, state)
		}
		return nil
	})
}

func partyRemove(ctx context.Context, c *config, words []string, _ io.Writer) error {
	return withRegistry(c, func(r *registry.Registry) error { return r.RemoveParty(ctx, words[0]) })
}

func tokenAdd(ctx context.Context, c *config, _ []string, out io.Writer) error {
	roles := map[string]charge.Role{
		"driver": charge.RoleDriver, "operator": charge.RoleOperator,
		"maker": charge.RoleMaker, "regulator": charge.RoleRegulator,
	}
	role, ok := roles[c.Role]
	if !ok {
		return usagef("token add needs --role driver, operator, maker or regulator")
	}
	with := beginRegistry
	if c.Party != "" { // which is in a folder that is there
		with = withRegistry
	}
	return with(c, func(r *registry.Registry) error {
		_, secret, err := r.AddToken(ctx, role, c.Party)
		if err != nil {
			return wrongUse(err)
		}
		_, err = fmt.Fprintln(out, secret)
		return err
	})
}

func tokenList(_ context.Context, c *config, _ []string, out io.Writer) error {
	return withRegistry(c, func(r *registry.Registry) error {
		all, err := r.Tokens()
		if err != nil {
			return err
		}
		for _, t := range all {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", t.ID, t.Role, t.Party, t.Added)
		}
		return nil
	})
}

func tokenRemove(ctx context.Context, c *config, words []string, _ io.Writer) error {
	return withRegistry(c, func(r *registry.Registry) error { return r.RemoveToken(ctx, words[0]) })
}

// platformUser is the name under which the platform itself reads an outside broker.
const platformUser = "dianchi"

var errNoBrokerPassword = usagef("the broker's files hold a password of the platform's own: set DIANCHI_BROKER_PASSWORD")

// brokerFiles writes what an outside mosquitto needs to know our parties.
func brokerFiles(_ context.Context, c *config, words []string, _ io.Writer) error {
	if c.BrokerPassword == "" {
		return errNoBrokerPassword
	}
	return withRegistry(c, func(r *registry.Registry) error {
		all, err := r.Parties()
		if err != nil {
			return err
		}
		return auth.ExportMosquitto(words[0], all, auth.BrokerUser{Name: platformUser, Password: c.BrokerPassword})
	})
}

// readAccounts reads a JSON object of slug to MQTT password.
func readAccounts(file string) (map[string]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the accounts: %w", err)
	}
	m := map[string]string{}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object of slug to password: %w", file, err)
	}
	return m, nil
}

func writeAccounts(file string, m map[string]string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, file); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
