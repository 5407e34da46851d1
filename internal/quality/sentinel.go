package quality

import "github.com/dianchi-platform/dianchi/internal/charge"

// sentinels are the numbers that "abnormal" and "invalid" of GB/T 32960.3
// (…FE and …FF in every width) become when a gateway scales them blindly.
type sentinels []float64

var (
	bytePattern = sentinels{254, 255}
	wordTenths  = sentinels{6553.4, 6553.5, 65534, 65535}
	wordPattern = sentinels{65534, 65535}
	dwordTenths = sentinels{429496729.4, 429496729.5, 4294967294, 4294967295}
	// Currents have an offset of 1000 A in the edition of 2016 and of 3000 A in that of 2025.
	currents = sentinels{5553.4, 5553.5, 3553.4, 3553.5, 6553.4, 6553.5, 65534, 65535, 64534, 64535, 62534, 62535}
)

// Alarm bits that mean "abnormal" and "invalid".
const (
	alarmsAbnormal = 0xfffffffe
	alarmsInvalid  = 0xffffffff
)

// null adds why value v of a member is null: a sentinel, or else out of its range by rule.
func (f *Findings) null(id, name string, v float64, rule charge.Rule, low, high float64, s sentinels) {
	for _, x := range s {
		if v == x {
			f.add(charge.RuleSentinel, charge.ActNull, "%s: %s %v means abnormal or invalid in GB/T 32960.3", id,
				name, v)
			return
		}
	}
	f.add(rule, charge.ActNull, "%s: %s %v is not within %v to %v", id, name, v, low, high)
}
