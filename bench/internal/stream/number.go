package stream

// appendFixed appends v in units of 10^-decimals, as JSON has it: 580, 1 is 58.0.
func appendFixed(dst []byte, v int, decimals int) []byte {
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	var b [20]byte
	i := len(b)
	for n := 0; v > 0 || n <= decimals; n++ {
		if n == decimals && decimals > 0 {
			i--
			b[i] = '.'
		}
		i--
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, b[i:]...)
}

// appendPadded appends v with leading zeros to the width, for ids.
func appendPadded(dst []byte, v, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := at + width - 1; i >= at; i, v = i-1, v/10 {
		dst[i] = byte('0' + v%10)
	}
	return dst
}

// tsDigits is the width of a ts in epoch milliseconds, until the year 2286.
const tsDigits = 13

// mix is a number that looks random but is always the same for the same a and b.
func mix(a, b int) uint32 {
	x := uint64(a)*0x9E3779B97F4A7C15 ^ uint64(b)*0xC2B2AE3D27D4EB4F
	x ^= x >> 29
	x *= 0xBF58476D1CE4E5B9
	return uint32(x >> 32)
}
