package secret

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPassword(t *testing.T) {
	hash, err := HashPassword("correct horse 昆明")
	if err != nil {
		t.Fatal(err)
	}
	f := func(hash, password string, want bool, wantErr bool) {
		t.Helper()
		got, err := CheckPassword(hash, password)
		if got != want || (err != nil) != wantErr {
			t.Fatalf("CheckPassword(%q, %q) = %v, %v, want %v, error %v", hash, password, got, err, want, wantErr)
		}
	}

	f(hash, "correct horse 昆明", true, false)
	f(hash, "correct horse", false, false)
	f(hash, "", false, false)
	f(hash, strings.Repeat("x", MaxPassword+1), false, false)
	f("", "", false, true)
	f("correct horse 昆明", "correct horse 昆明", false, true)
	f("$6$"+hash[3:], "correct horse 昆明", false, true)
	f(hash[:len(hash)-1], "correct horse 昆明", false, true)
	f("$7$0$AAAA$"+hash[strings.LastIndex(hash, "$")+1:], "x", false, true)
	f("$7$99999999999$AAAA$"+hash[strings.LastIndex(hash, "$")+1:], "x", false, true)
	f("$7$10$$", "x", false, true)

	for _, bad := range []string{"", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(bad); err == nil {
			t.Fatalf("HashPassword of %d bytes worked", len(bad))
		}
	}
	again, err := HashPassword("correct horse 昆明")
	if err != nil || again == hash {
		t.Fatalf("the same password gave the same hash twice (%v)", err)
	}
}

// What mosquitto_passwd writes is read here. The other way, a mosquitto that
// reads our file, is tested in package auth.
func TestMosquittoPasswd(t *testing.T) {
	tool, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		t.Skip("mosquitto_passwd is not installed")
	}
	file := filepath.Join(t.TempDir(), "passwd")
	if out, err := exec.Command(tool, "-c", "-b", file, "teld", "s3cret-密码").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	user, hash, _ := strings.Cut(strings.TrimSpace(string(b)), ":")
	if user != "teld" {
		t.Fatalf("mosquitto_passwd wrote %q", b)
	}
	if ok, err := CheckPassword(hash, "s3cret-密码"); !ok || err != nil {
		t.Fatalf("CheckPassword of mosquitto's hash = %v, %v", ok, err)
	}
	if ok, err := CheckPassword(hash, "s3cret"); ok || err != nil {
		t.Fatalf("a wrong password passed mosquitto's hash: %v, %v", ok, err)
	}
}

func TestNewSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		for _, s := range []string{NewPassword(), NewToken(), NewID(8)} {
			if seen[s] {
				t.Fatalf("%q came twice", s)
			}
			seen[s] = true
			if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || s[0] == '-' {
				t.Fatalf("%q needs quoting", s)
			}
		}
	}
	if n := len(NewPassword()); n != 36 {
		t.Fatalf("a password has %d characters", n)
	}
	if !Equal("a", "a") || Equal("a", "b") || Equal("a", "aa") || Equal("", "a") {
		t.Fatal("Equal is wrong")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$7$10$c2FsdHNhbHRzYWx0$AAAA")
	f.Add("$7$101$Zm9vYmFyYmF6cXV4$" + strings.Repeat("A", 86) + "==")
	f.Fuzz(func(t *testing.T, in string) {
		n, salt, key, err := parse(in)
		if err == nil && (n < 1 || len(salt) == 0 || len(key) != hashBytes) {
			t.Fatalf("parse(%q) = %d, %x, %x", in, n, salt, key)
		}
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := CheckPassword(hash, "correct horse"); !ok {
			b.Fatal("refused")
		}
	}
}
