package reference

import "testing"

// TestPhiloxReference holds the reference to the known answers of Random123
// (tests/kat_vectors) and to that of C++26's std::philox4x32.
func TestPhiloxReference(t *testing.T) {
	for _, kat := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
			[2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := Philox(kat.counter, kat.key); got != kat.want {
			t.Errorf("counter %08x key %08x: got %08x, want %08x", kat.counter, kat.key, got, kat.want)
		}
	}
	words := PhiloxWords(2500, [4]uint32{}, [2]uint32{20111115, 0})
	if got := words[9999]; got != 1955073260 {
		t.Errorf("word 10,000 of C++'s default engine is %d, want 1955073260", got)
	}
}
