// Package secret makes and checks passwords and tokens.
//
// Passwords are kept as PBKDF2-SHA512 in the format of mosquitto's password
// file, so that one hash serves the embedded door and an outside mosquitto.
// Tokens are long random strings, of which only the SHA-256 is kept. Nothing
// here holds state, and every function may be called from any goroutine.
package secret

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Iterations is how often PBKDF2 turns for a new password: about 10 ms of one
// core. Our own passwords carry 192 bits, so this guards the chosen ones only.
const Iterations = 10_000

const (
	saltBytes     = 12 // mosquitto 2.0 reads no other length
	hashBytes     = sha512.Size
	maxIterations = 10_000_000
	// MaxPassword is the longest password in bytes; MQTT would carry 65,535.
	MaxPassword = 1024
)

// NewPassword returns a new password of 192 random bits. It has no character
// that a shell, a URL or a configuration file would have to escape.
func NewPassword() string { return "dcp_" + random(24) }

// NewToken returns a new bearer token of 256 random bits.
func NewToken() string { return "dct_" + random(32) }

// NewID returns n random characters of [a-z2-7], for names that are no secret.
func NewID(n int) string { return strings.ToLower(rand.Text())[:n] }

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: the program ends instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// TokenHash returns what is kept of a token.
func TokenHash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// Equal compares two secrets in a time that depends on neither's content nor length.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// HashPassword returns password as "$7$iterations$salt$hash" with a new salt.
func HashPassword(password string) (string, error) {
	if password == "" || len(password) > MaxPassword {
		return "", fmt.Errorf("a password has 1 to %d bytes", MaxPassword)
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha512.New, password, salt, Iterations, hashBytes)
	if err != nil {
		return "", fmt.Errorf("cannot hash the password: %w", err)
	}
	e := base64.StdEncoding
	return fmt.Sprintf("$7$%d$%s$%s", Iterations, e.EncodeToString(salt), e.EncodeToString(key)), nil
}

// CheckPassword reports whether password is the one that hash was made of. An
// error means that hash itself is not in the format.
func CheckPassword(hash, password string) (bool, error) {
	iterations, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	if len(password) > MaxPassword {
		return false, nil
	}
	got, err := pbkdf2.Key(sha512.New, password, salt, iterations, len(want))
	if err != nil {
		return false, fmt.Errorf("cannot check the password: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

var errFormat = errors.New("password hash is not of the form $7$iterations$salt$hash")

// parse takes a hash apart. Salt and hash may have other lengths than ours, as
// other versions of mosquitto write them.
func parse(hash string) (iterations int, salt, key []byte, err error) {
	rest, ok := strings.CutPrefix(hash, "$7$")
	if !ok {
		return 0, nil, nil, errFormat
	}
	n, rest, ok := strings.Cut(rest, "$")
	if !ok {
		return 0, nil, nil, errFormat
	}
	s, k, ok := strings.Cut(rest, "$")
	if !ok {
		return 0, nil, nil, errFormat
	}
	iterations, err = strconv.Atoi(n)
	if err != nil || iterations < 1 || iterations > maxIterations {
		return 0, nil, nil, errFormat
	}
	if salt, err = base64.StdEncoding.Strict().DecodeString(s); err != nil || len(salt) == 0 || len(salt) > 256 {
		return 0, nil, nil, errFormat
	}
	if key, err = base64.StdEncoding.Strict().DecodeString(k); err != nil || len(key) != hashBytes {
		return 0, nil, nil, errFormat
	}
	return iterations, salt, key, nil
}
