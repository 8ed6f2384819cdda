package dropblock

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropblock-go/dropblock/internal/reference"
	"github.com/stretchr/testify/require"
)

func TestPhilox4x32KnownAnswers(t *testing.T) {
	for _, a := range reference.Answers {
		require.Equal(t, a.Want, Philox4x32(a.Counter, a.Key))
	}
	require.EqualValues(t, reference.CppAnswer, Philox4x32([4]uint32{(reference.CppIndex - 1) / 4}, [2]uint32{reference.CppKey})[(reference.CppIndex-1)%4])
}

func TestPhiloxSourceKnownAnswers(t *testing.T) {
	for _, a := range reference.Answers {
		p := NewPhilox(a.Key)
		p.SetCounter(a.Counter)
		for _, w := range a.Want {
			require.Equal(t, w, p.Uint32())
		}
		// A move in the middle of a block drops what is left of it.
		p.Uint32()
		p.SetCounter(a.Counter)
		require.Equal(t, uint64(a.Want[1])<<32|uint64(a.Want[0]), p.Uint64())
		require.Equal(t, uint64(a.Want[3])<<32|uint64(a.Want[2]), p.Uint64())
	}

	p := NewPhilox(Key{reference.CppKey})
	for range reference.CppIndex - 1 {
		p.Uint32()
	}
	require.EqualValues(t, reference.CppAnswer, p.Uint32())
}

// Each known answer comes out of every place of a fill of 1 to 70 blocks, and
// so out of every lane of a kernel and out of its tail.
func TestKernelSetPhiloxKnownAnswers(t *testing.T) {
	const maxBlocks, canary = 70, 0xdeadbeef
	for _, k := range KernelSets() {
		t.Run(k.String(), func(t *testing.T) {
			for _, a := range reference.Answers {
				start := a.Counter
				for place := range maxBlocks {
					want := make([]uint32, 4*maxBlocks)
					counter := start
					for i := range maxBlocks {
						w := Philox4x32(counter, a.Key)
						copy(want[4*i:], w[:])
						advance(&counter, 1)
					}
					require.Equal(t, a.Want[:], want[4*place:4*place+4])

					for blocks := place + 1; blocks <= maxBlocks; blocks++ {
						buf := slices.Repeat([]uint32{canary}, 4*maxBlocks+2)
						k.Philox(buf[1:1+4*blocks], Key(a.Key), start)
						for i, w := range buf {
							expected := uint32(canary)
							if i := i - 1; i >= 0 && i < 4*blocks {
								expected = want[i]
							}
							if w != expected {
								t.Fatalf("counter %08x, %d blocks, word %d: got %08x, want %08x", start, blocks, i-1, w, expected)
							}
						}
					}
					start = previous(start)
				}
			}
			words := make([]uint32, reference.CppIndex)
			k.Philox(words, Key{reference.CppKey}, [4]uint32{})
			require.EqualValues(t, reference.CppAnswer, words[reference.CppIndex-1])
		})
	}
}

// carries are counters at which one more block carries into word 1, 2 and 3
// and around.
var carries = [][4]uint32{
	{0xffffffff, 5, 6, 7},
	{0xffffffff, 0xffffffff, 6, 7},
	{0xffffffff, 0xffffffff, 0xffffffff, 7},
	{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
}

func TestPhiloxCarry(t *testing.T) {
	afterwards := [][4]uint32{{0, 6, 6, 7}, {0, 0, 7, 7}, {0, 0, 0, 8}, {0, 0, 0, 0}}
	key := Key{0x9abcdef0, 0x12345678}
	for i, last := range carries {
		next := last
		advance(&next, 1)
		require.Equal(t, afterwards[i], next)
		require.Equal(t, last, previous(next))

		p := NewPhilox(key)
		p.SetCounter(last)
		for range 4 {
			p.Uint32()
		}
		require.Equal(t, Philox4x32(afterwards[i], p.key)[0], p.Uint32())
	}
}

// A fill across a carry is the blocks one by one, wherever the carry falls and
// however long the fill is: also longer than a call of a kernel.
func TestKernelSetPhiloxCarry(t *testing.T) {
	key := Key{1, 2}
	for _, k := range KernelSets() {
		t.Run(k.String(), func(t *testing.T) {
			for _, last := range carries {
				for _, blocks := range []int{2, 9, 33, philoxCallLen + 5, 2*philoxCallLen + 1} {
					for _, before := range []uint32{0, 1, 3, 8, uint32(blocks) - 2} {
						start := last
						start[0] -= before
						words := make([]uint32, 4*blocks)
						k.Philox(words, key, start)
						p := Philox{key: key, counter: start}
						for i, w := range words {
							if want := p.Uint32(); w != want {
								t.Fatalf("counter %08x, word %d of %d: got %08x, want %08x", start, i, len(words), w, want)
							}
						}
					}
				}
			}
		})
	}
}

func TestPhiloxZeroValue(t *testing.T) {
	var p Philox
	require.Equal(t, reference.Answers[0].Want[0], p.Uint32())
}

// The source continues where its encoding was made: at every phase of a block,
// also where the counter has just carried.
func TestPhiloxMarshal(t *testing.T) {
	for _, start := range append(carries, [4]uint32{}, [4]uint32{8, 7, 6, 5}) {
		for phase := range 9 {
			p := NewPhilox(Key{0x76543210, 0xfedcba98})
			p.SetCounter(start)
			for range phase {
				p.Uint32()
			}
			data, err := p.MarshalBinary()
			require.NoError(t, err)
			q := NewPhilox(Key{1})
			q.Uint32()
			require.NoError(t, q.UnmarshalBinary(data))
			for i := range 16 {
				require.Equal(t, p.Uint32(), q.Uint32(), "counter %08x, phase %d, word %d", start, phase, i)
			}
		}
	}
}

// The encoding is pinned: programs store it.
func TestPhiloxEncoding(t *testing.T) {
	p := NewPhilox(Key{0x44556677, 0x00112233})
	p.SetCounter([4]uint32{0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10})
	p.Uint32()
	want := hex.EncodeToString([]byte("philox4x32:")) +
		"4455667700112233" + "01020305" + "05060708" + "090a0b0c" + "0d0e0f10" + "03"
	data, err := p.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, want, hex.EncodeToString(data))

	data, err = p.AppendBinary([]byte{0xaa})
	require.NoError(t, err)
	require.Equal(t, "aa"+want, hex.EncodeToString(data))
}

func TestPhiloxUnmarshalBad(t *testing.T) {
	good, err := NewPhilox(Key{7}).MarshalBinary()
	require.NoError(t, err)
	changed := func(i int, b byte) []byte {
		data := append([]byte(nil), good...)
		data[i] = b
		return data
	}
	for name, data := range map[string][]byte{
		"nil":          nil,
		"empty":        {},
		"magic alone":  good[:len(philoxMagic)],
		"short by one": good[:len(good)-1],
		"long by one":  append(append([]byte(nil), good...), 0),
		"first byte":   changed(0, 'P'),
		"last of name": changed(len(philoxMagic)-1, ';'),
		"other source": append([]byte("chacha8: "), good[9:]...),
		"4 words left": changed(len(good)-1, 4),
		"255 left":     changed(len(good)-1, 255),
	} {
		t.Run(name, func(t *testing.T) {
			for phase := range 5 {
				p, twin := NewPhilox(Key{9}), NewPhilox(Key{9})
				for range phase {
					p.Uint32()
					twin.Uint32()
				}
				require.EqualError(t, p.UnmarshalBinary(data), "dropblock: not the binary encoding of a Philox source")
				require.Equal(t, twin, p)
				require.Equal(t, twin.Uint64(), p.Uint64())
			}
		})
	}
}

func TestPhiloxAsRandSource(t *testing.T) {
	r, twin := rand.New(NewPhilox(Key{3})), NewPhilox(Key{3})
	for range 5 {
		require.Equal(t, twin.Uint64(), r.Uint64())
	}
	// A shuffle and a sum of uniforms, to see that r works as a generator.
	perm := r.Perm(100)
	seen := make(map[int]bool)
	for _, i := range perm {
		seen[i] = true
	}
	require.Len(t, seen, 100)
	var sum float64
	const n = 1 << 16
	for range n {
		sum += r.Float64()
	}
	// The mean of n uniforms has a standard deviation of 1/sqrt(12n) = 0.0011.
	require.InDelta(t, 0.5, sum/n, 0.005)
}

func TestPhilox4x32(t *testing.T) {
	p := NewPhilox(Key{11})
	for range 1000 {
		counter := [4]uint32{p.Uint32(), p.Uint32(), p.Uint32(), p.Uint32()}
		key := [2]uint32{p.Uint32(), p.Uint32()}
		require.Equal(t, reference.Philox(counter, key), Philox4x32(counter, key), fmt.Sprint(counter, key))
	}
}
