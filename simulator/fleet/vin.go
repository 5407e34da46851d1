package fleet

// Characters of a VIN's check and model year (GB 16735-2019, 4.3 and annex).
const (
	vinLength  = 17
	vinYears   = "JKLMNPRST" // 2018 to 2026
	vinLetters = "ABCDEFGHJKLMNPRSTUVWXYZ"
)

var vinWeights = [vinLength]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}

// vinValue returns the value of a character in the check sum; I, O and Q have none.
func vinValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'H':
		return int(c-'A') + 1
	case c >= 'J' && c <= 'N':
		return int(c-'J') + 1
	case c == 'P':
		return 7
	case c == 'R':
		return 9
	case c >= 'S' && c <= 'Z':
		return int(c-'S') + 2
	}
	return 0
}

// vinCheck returns the check character, position 9, that belongs to vin.
func vinCheck(vin []byte) byte {
	sum := 0
	for i, c := range vin {
		sum += vinValue(c) * vinWeights[i]
	}
	if r := sum % 11; r < 10 {
		return '0' + byte(r)
	}
	return 'X'
}

// appendVIN appends the VIN of a maker's n-th vehicle, n from 1. Positions 12
// to 17 count; small makers (WMI with a 9 as its third character) carry their
// second code at 12 to 14 and count with 8, 11 and 15 to 17.
func appendVIN(dst []byte, m *maker, n int, year int) []byte {
	at := len(dst)
	dst = append(dst, m.vin...)
	dst = append(dst, '0', vinYears[year%len(vinYears)], vinLetters[n/1_000_000%len(vinLetters)])
	digits := 6
	if m.vin[2] == '9' {
		dst = append(dst, "KMK"...)
		dst[at+7] = vinLetters[n/1000/len(vinLetters)%len(vinLetters)]
		dst[at+10] = vinLetters[n/1000%len(vinLetters)]
		digits = 3
	}
	dst = append(dst, "000000"[:digits]...)
	for i, v := len(dst)-1, n; i >= at+vinLength-digits; i, v = i-1, v/10 {
		dst[i] = '0' + byte(v%10)
	}
	vin := dst[at:]
	vin[8] = vinCheck(vin)
	return dst
}
