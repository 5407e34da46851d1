package quality

import (
	"regexp"
	"strings"
	"testing"
)

// The check character as GB 16735 describes it, written without a table of bytes.
func FuzzCheckVIN(f *testing.F) {
	for _, s := range []string{"LNBMDBAH4PA000001", "LTEST1239PA000001", "1M8GDM9AXKP042788", "11111111111111111",
		"LNBMDBAH4PA00000O", "lnbmdbah4pa000001", "LNBMDBAH4PA00000", "", "LNBMDBAH4PA00000\x00", "京京京京京12"} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`\A[0-9A-HJ-NPR-Z]{17}\z`)
	f.Fuzz(func(t *testing.T, vin string) {
		form, digit := CheckVIN(vin)
		if form != shape.MatchString(vin) || digit && !form {
			t.Fatalf("%q: form %v, digit %v", vin, form, digit)
		}
		if !form {
			return
		}
		sum := 0
		for i, c := range vin {
			value := strings.IndexRune("0123456789", c)
			if at := strings.IndexRune("ABCDEFGH", c); at >= 0 {
				value = at + 1
			} else if at := strings.IndexRune("JKLMN", c); at >= 0 {
				value = at + 1
			} else if c == 'P' {
				value = 7
			} else if c == 'R' {
				value = 9
			} else if at := strings.IndexRune("STUVWXYZ", c); at >= 0 {
				value = at + 2
			}
			sum += value * []int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}[i]
		}
		if want := "0123456789X"[sum%11]; digit != (vin[8] == want) {
			t.Fatalf("%q: right is %v, but the check character should be %c", vin, digit, want)
		}
	})
}
