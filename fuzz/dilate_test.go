package fuzz

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// dilateInput grows n bits along an axis.
type dilateInput struct {
	words        []byte
	n            int
	stride, size int
	offset       int // bytes past a multiple of 64
}

func (in dilateInput) check() error {
	src := reference.Bits(wordsOf(in.words, (in.n+63)/64), in.n)
	words := reference.Words(src)
	want := reference.Dilate(src, in.stride, in.size)
	buf := guard.Heap(8*len(words) + guard.Align)
	dst := guard.Middle[uint64](buf, in.offset, len(words))
	return eachSet(func(set dropblock.KernelSet) error {
		copy(dst, words)
		set.Dilate(dst, in.n, in.stride, in.size)
		if err := reference.SameBits(dst, want); err != nil {
			return err
		}
		return guard.Check(buf, dst)
	})
}

// newDilateInput bounds what the reference has to do.
func newDilateInput(words []byte, n uint16, stride, size uint32, offset uint8) dilateInput {
	in := dilateInput{words: words, n: int(n % 20000), offset: int(offset % 8 * 8)}
	in.stride = int(max(stride&math.MaxInt32, 1))
	in.size = int(max(size&math.MaxInt32, 1))
	if in.n > 0 && in.stride < in.n {
		in.size = min(in.size, max(1, 200000/in.n))
	}
	return in
}

func randomDilate(r *rand.Rand) input {
	n := randomLen(r, 2000)
	if r.IntN(50) == 0 {
		n = r.IntN(20000)
	}
	return newDilateInput(bytesOf(randomWords(r, (n+63)/64)), uint16(n),
		r.Uint32()>>r.IntN(32), r.Uint32()>>r.IntN(32), uint8(r.Uint32()))
}

func FuzzDilate(f *testing.F) {
	f.Add([]byte{1}, uint16(0), uint32(1), uint32(1), uint8(0))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint16(700), uint32(1), uint32(7), uint8(1))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint16(19999), uint32(14), uint32(7), uint8(2))
	f.Add([]byte{255}, uint16(65), uint32(64), uint32(2), uint8(3))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 128}, uint16(1000), uint32(1), uint32(200), uint8(3))
	f.Add([]byte{3}, uint16(128), uint32(math.MaxInt32), uint32(math.MaxInt32), uint8(7))
	f.Add([]byte{1, 2, 4}, uint16(16385), uint32(8192), uint32(3), uint8(7))
	f.Fuzz(func(t *testing.T, words []byte, n uint16, stride, size uint32, offset uint8) {
		fuzzed(t, newDilateInput(words, n, stride, size, offset))
	})
}

// countInput counts ones.
type countInput struct {
	words  []byte
	offset int // bytes past a multiple of 64
}

func (in countInput) check() error {
	n := len(in.words) / 8
	want := reference.Count(reference.Bits(wordsOf(in.words, n), 64*n))
	buf := guard.Heap(8*n + guard.Align)
	words := guard.Middle[uint64](buf, in.offset, n)
	copy(words, wordsOf(in.words, n))
	if err := eachSet(func(set dropblock.KernelSet) error {
		return same("the count", set.Count(words), want)
	}); err != nil {
		return err
	}
	return guard.Check(buf, words)
}

func randomCount(r *rand.Rand) input {
	return countInput{bytesOf(randomWords(r, randomLen(r, 300))), r.IntN(8) * 8}
}

func FuzzCount(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add(bytes.Repeat([]byte{255}, 8*33), uint8(1))
	f.Add(bytes.Repeat([]byte{255}, 8*600), uint8(2))
	f.Add([]byte("dropped blocks of a feature map"), uint8(7))
	f.Fuzz(func(t *testing.T, words []byte, offset uint8) {
		fuzzed(t, countInput{words, int(offset % 8 * 8)})
	})
}

// TestCountLong crosses the boundaries of kernel calls, all ones.
func TestCountLong(t *testing.T) {
	for _, n := range []int{8191, 8192, 8193, 20000} {
		fuzzed(t, countInput{bytes.Repeat([]byte{255}, 8*n), 8})
	}
}

// growInput makes a mask of given seeds.
type growInput struct {
	params reference.Params
	seeds  []byte
	thin   int  // one in as many bits of seeds stays
	fit    bool // seeds whose block leaves the map are taken out
	one    bool // all of those but one are, so that it may leave along one axis alone
}

func (in growInput) check() error {
	p := in.params
	layer, err := dropblock.New(config(&p, dropblock.KernelSet{}))
	if err != nil {
		return err
	}
	p.Rate = layer.ExpectedDrop(shape(&p), 0) // which forwardInput checks
	seeds := reference.Bits(wordsOf(in.seeds, (p.Cells()+63)/64), p.Cells())
	everywhere := p
	everywhere.Rule, everywhere.P, everywhere.GammaScale = "given", 1, 0
	inside := everywhere.Seeds()
	var leaving []int
	for i := range seeds {
		seeds[i] = seeds[i] && i%in.thin == 0
		if seeds[i] && !inside[i] {
			leaving = append(leaving, i)
			seeds[i] = !in.fit && !in.one
		}
	}
	if in.one && !in.fit && len(leaving) > 0 {
		seeds[leaving[in.thin%len(leaving)]] = true
	}
	want, whole := p.Grow(seeds)
	valid := whole || p.Region == "full"

	other := dropblock.NCHW(1, 2, 3, 5)
	var mask dropblock.Mask
	return eachSet(func(set dropblock.KernelSet) error {
		layer, err := dropblock.New(config(&p, set))
		if err != nil {
			return err
		}
		mask.Identity(other)
		err = layer.Grow(&mask, shape(&p), reference.Words(seeds))
		if !valid {
			if err == nil {
				return fmt.Errorf("a block that leaves the map is accepted")
			}
			if mask.Shape() != other || mask.Kept() != 30 || mask.Words()[0] != 1<<30-1 {
				return fmt.Errorf("the mask is changed in spite of the error %q", err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		return sameMask(&p, &mask, &want)
	})
}

func newGrowInput(options uint32, p reference.Params, seeds []byte, thin uint8) growInput {
	p.P, p.BlockD, p.BlockH, p.BlockW = .3, max(p.BlockD, 1), max(p.BlockH, 1), max(p.BlockW, 1)
	tame(&p)
	return growInput{params: p, seeds: seeds, thin: 1 + int(thin), fit: options&optionFit != 0, one: options&optionOne != 0}
}

func randomGrow(r *rand.Rand) input {
	options, p := randomMap(r, 32, 300)
	return newGrowInput(options, p, bytesOf(randomWords(r, 8)), uint8(randomLen(r, 256)))
}

func FuzzGrow(f *testing.F) {
	add := func(seeds []byte, options uint32, thin, bh, bw, n, c, h, w uint8) {
		f.Add(seeds, options, thin, bh, bw, n, c, h, w, uint8(1), uint8(1), 0.)
	}
	for i := range uint8(128) {
		add([]byte{255, 1, 0, 16, 64, 3}, uint32(i), i%5, i%7+1, i%4+1, 2, 3, i%11+1, i%13+1)
	}
	add([]byte{1}, 0, 255, 3, 200, 1, 1, 3, 255)
	add([]byte{1}, 2, 9, 255, 255, 1, 1, 99, 1)
	add([]byte{255}, 0, 0, 1, 1, 0, 1, 9, 9)
	for i := range uint32(128) { // the other options, from bit 7 on
		options, j := i*0x9e3779b1>>13<<7|i&127, uint8(i)
		f.Add([]byte{255, 1, 0, 16, 64, 3, 0}, options, j%5, j%7+1, j%4+1, j%4+1, j%6+1, j%7+1, j%11+1, j%3+1, j%5+1, float64(i%6/5*i)/256)
	}
	f.Fuzz(func(t *testing.T, seeds []byte, options uint32, thin, bh, bw, n, c, h, w, bd, d uint8, fraction float64) {
		p := newParams(options, [3]uint8{bd, bh, bw}, fraction, [5]uint8{n, c, d, h, w}, 300)
		fuzzed(t, newGrowInput(options, p, seeds, thin))
	})
}
