package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/registry"
)

// The test binary is the command line as well: DIANCHI_TEST_ADMIN holds its words.
func TestMain(m *testing.M) {
	if words := os.Getenv("DIANCHI_TEST_ADMIN"); words != "" {
		if err := admin(strings.Fields(words)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func admin(words []string) error {
	r, err := registry.Open(words[0], slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer r.Close()
	ctx := context.Background()
	secret := ""
	switch words[1] {
	case "party":
		_, secret, err = r.AddParty(ctx, registry.NewParty{Slug: words[2], Kind: charge.Operator, Name: words[2]})
	case "token":
		_, secret, err = r.AddToken(ctx, charge.RoleOperator, words[2])
	case "remove":
		err = r.RemoveParty(ctx, words[2])
	}
	fmt.Print(secret)
	return err
}

// What another process adds to the same data folder works at once, and what it
// removes ends soon, while this one watches.
func TestOtherProcess(t *testing.T) {
	dir := t.TempDir()
	r, err := registry.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d := auth.New(auth.Config{}, slog.New(slog.DiscardHandler), r)
	removed := make(chan string, 1)
	d.OnChange(func(c auth.Change) {
		for _, p := range c.Removed {
			removed <- p.Slug
		}
	})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	run := func(words ...string) string {
		t.Helper()
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Env = append(os.Environ(), "DIANCHI_TEST_ADMIN="+dir+" "+strings.Join(words, " "))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v: %s", words, err, stderr.String())
		}
		return string(out)
	}

	for round := range 3 {
		slug := fmt.Sprint("op", round)
		password := run("party", slug)
		if p, ok := d.CheckPassword(t.Context(), slug, password); !ok || p.Slug != slug {
			t.Fatalf("%s was refused right after it was added", slug)
		}
		token := run("token", slug)
		if id, err := d.Identify(t.Context(), token); err != nil || id.Slug != slug {
			t.Fatalf("the token of %s was refused right after it was added: %v", slug, err)
		}
		run("remove", slug)
		begin := time.Now()
		select {
		case got := <-removed:
			if got != slug {
				t.Fatalf("%s was removed, want %s", got, slug)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("the end of %s was not seen", slug)
		}
		t.Logf("the end of %s was seen after %s", slug, time.Since(begin))
		if _, ok := d.CheckPassword(t.Context(), slug, password); ok {
			t.Fatalf("%s logged in after its end", slug)
		}
		if _, err := d.Identify(t.Context(), token); err == nil {
			t.Fatalf("the token of %s works after its end", slug)
		}
	}
}
