package quality

import (
	"testing"
	"unsafe"
)

// Memories are kept for every object: 200,000 of each take this times 200,000.
func TestMemoriesStaySmall(t *testing.T) {
	if n := unsafe.Sizeof(PileMemory{}); n > 240 {
		t.Errorf("a pile's memory has %d bytes", n)
	}
	if n := unsafe.Sizeof(VehicleMemory{}); n > 216 {
		t.Errorf("a vehicle's memory has %d bytes", n)
	}
}
