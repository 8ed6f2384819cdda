package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
)

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

// philoxInput asks for the words of a run of blocks.
type philoxInput struct {
	key     [2]uint32
	counter [4]uint32
	blocks  int
	offset  int // bytes past a multiple of 64
}

func (in philoxInput) check() error {
	want := PhiloxWords(in.blocks, in.counter, in.key)
	var source dropblock.Philox
	source = *dropblock.NewPhilox(in.key)
	source.SetCounter(in.counter)
	for i, w := range want {
		if got := source.Uint32(); got != w {
			return fmt.Errorf("word %d of the source is %#08x, want %#08x", i, got, w)
		}
	}
	if in.blocks > 0 {
		block := dropblock.Philox4x32(in.counter, in.key)
		if !slices.Equal(block[:], want[:4]) {
			return fmt.Errorf("Philox4x32 is %08x, want %08x", block, want[:4])
		}
	}
	buf := guard.Heap(4*len(want) + guard.Align)
	dst := guard.Middle[uint32](buf, in.offset, len(want))
	return eachSet(func(set dropblock.KernelSet) error {
		set.Philox(dst, in.key, in.counter)
		for i, w := range want {
			if dst[i] != w {
				return fmt.Errorf("word %d of %d is %#08x, want %#08x", i, len(want), dst[i], w)
			}
		}
		return guard.Check(buf, dst)
	})
}

func newPhiloxInput(key, counterLo, counterHi uint64, blocks uint16, offset uint8) philoxInput {
	return philoxInput{
		key:     [2]uint32{lo(key), hi(key)},
		counter: [4]uint32{lo(counterLo), hi(counterLo), lo(counterHi), hi(counterHi)},
		blocks:  int(blocks % 100),
		offset:  int(offset % 16 * 4),
	}
}

func randomPhilox(r *rand.Rand) input {
	in := newPhiloxInput(r.Uint64(), r.Uint64(), r.Uint64(), uint16(r.Uint32()), uint8(r.Uint32()))
	for i := range in.counter {
		if r.IntN(2) == 0 { // about to overflow
			in.counter[i] = -uint32(r.IntN(64))
		}
	}
	return in
}

func FuzzPhilox(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint64(0), uint16(1), uint8(0))
	f.Add(uint64(1), uint64(2), uint64(3), uint16(0), uint8(1))
	f.Add(^uint64(0), ^uint64(0), ^uint64(0), uint16(99), uint8(15))
	f.Add(uint64(1)<<32, uint64(1)<<32-5, ^uint64(0), uint16(33), uint8(4))
	f.Fuzz(func(t *testing.T, key, counterLo, counterHi uint64, blocks uint16, offset uint8) {
		fuzzed(t, newPhiloxInput(key, counterLo, counterHi, blocks, offset))
	})
}

// TestPhiloxLong crosses the boundaries of kernel calls.
func TestPhiloxLong(t *testing.T) {
	for _, blocks := range []int{4095, 4096, 4097, 8191, 8200, 10007} {
		for _, first := range []uint32{0, -uint32(blocks), -uint32(blocks - 1), 1<<32 - 4097, 1<<32 - 1} {
			fuzzed(t, philoxInput{
				key: [2]uint32{1, 2}, counter: [4]uint32{first, 1<<32 - 1, 7, 9}, blocks: blocks, offset: 4,
			})
		}
	}
}
