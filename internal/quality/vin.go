package quality

// CheckVIN reports whether vin has the length and alphabet of GB 16735 (no I,
// O, Q), and whether its check character, the ninth, is right.
func CheckVIN(vin string) (form, digit bool) {
	if len(vin) != 17 {
		return false, false
	}
	sum := 0
	for i := range 17 {
		t := vinValues[vin[i]]
		if t < 0 {
			return false, false
		}
		sum += int(t) * int(vinWeights[i])
	}
	want := byte('0' + sum%11)
	if sum%11 == 10 {
		want = 'X'
	}
	return true, vin[8] == want
}

var (
	vinWeights = [17]int8{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	vinValues  = func() (t [256]int8) {
		for i := range t {
			t[i] = -1
		}
		for c := '0'; c <= '9'; c++ {
			t[c] = int8(c - '0')
		}
		for i, letters := range [...]string{1: "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"} {
			for _, c := range letters {
				t[c] = int8(i)
			}
		}
		return t
	}()
)
