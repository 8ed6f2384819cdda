package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// philoxInput asks for the words of a run of blocks.
type philoxInput struct {
	key     [2]uint32
	counter [4]uint32
	blocks  int
	offset  int // bytes past a multiple of 64
}

func (in philoxInput) check() error {
	want := reference.PhiloxWords(in.blocks, in.counter, in.key)
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
		key:     [2]uint32{uint32(key), uint32(key >> 32)},
		counter: [4]uint32{uint32(counterLo), uint32(counterLo >> 32), uint32(counterHi), uint32(counterHi >> 32)},
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
