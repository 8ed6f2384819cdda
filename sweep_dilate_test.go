package dropblock

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

type dilateCase struct {
	n       int
	by      int // the size of a block, or a shift
	inPlace bool
	at      layout
}

// dilateCases are the lengths to sweepLen, in all layouts where all says so.
func dilateCases(sizes iter.Seq[int], all func(by int) bool) iter.Seq[dilateCase] {
	inner, outer := middles(8, 8), edges([2]int{8, 8}, 2)
	return func(yield func(dilateCase) bool) {
		for by := range sizes {
			for n := range lengths(sweepLen) {
				few := 1
				switch {
				case all(by):
					few = every
				case n <= 20:
					few = 12
				}
				for _, layouts := range [][]layout{inner, outer} {
					for at := range turns(layouts, n+by, few) {
						if !yield(dilateCase{n: n, by: by, at: at}) {
							return
						}
					}
				}
			}
		}
	}
}

// blockSizes are those of the row kernel.
func blockSizes(yield func(int) bool) {
	for b := maxRow; b >= 1; b-- {
		if !yield(b) {
			return
		}
	}
}

// largestShift takes more words than a sweep has.
const largestShift = 65601

// shifts are all of small maps, and some of larger ones.
func shifts(yield func(int) bool) {
	for s := range 301 {
		if brief() && s > 66 && s%13 != 0 {
			continue
		}
		if !yield(s) {
			return
		}
	}
	for _, s := range []int{
		319, 320, 383, 448, 511, 512, 513, 1000, 1023, 1024, 4095, 4096, 4097, 6272, 50176, 65535, 65536, largestShift,
	} {
		if !yield(s) {
			return
		}
	}
}

// dilateWords begin with a word whose ones are seen in the next one, which is
// blank.
func dilateWords(seed uint64) []uint64 {
	words := mixedWords(dilateLead(largestShift)+sweepLen, seed)
	words[0], words[1] = 1<<63|1<<40|1<<7|1, 0
	return words
}

func sweepDilateRow(t testing.TB, kernel dilateRowKernel) error {
	return sweepDilate(t, blockSizes, func(int) int { return 1 },
		func(bits []bool, b int) []bool { return reference.Dilate(bits, 1, b) }, kernel)
}

func sweepDilateStep(t testing.TB, kernel dilateStepKernel) error {
	return sweepDilate(t, shifts, dilateLead,
		func(bits []bool, shift int) []bool { return reference.Dilate(bits, shift, 2) }, kernel)
}

func sweepDilate(
	t testing.TB, sizes iter.Seq[int], lead func(by int) int,
	dilate func(bits []bool, by int) []bool, kernel func(dst, src []uint64, by int),
) error {
	words := dilateWords(3)
	bits := reference.Bits(words, 64*len(words))
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	wantBy := -1
	cases := dilateCases(sizes, func(by int) bool { return by == 7 || by == 14 || by == 64 })
	return sweep(cases, func(c *dilateCase) error {
		lead := lead(c.by)
		if wantBy != c.by {
			want, wantBy = reference.Words(dilate(bits[:64*(lead+sweepLen)], c.by))[lead:], c.by
		}
		dst := lay[uint64](a, &c.at, 0, c.n)
		src := lay[uint64](a, &c.at, 1, c.n+lead)
		copy(src, words)
		kernel(dst, src, c.by)
		if err := unchanged("src", src, words[:len(src)]); err != nil {
			return err
		}
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], src)
	})
}

// sweepDilateKeep has shift 0 in place as well.
func sweepDilateKeep(t testing.TB, kernel dilateKeepKernel) error {
	words := dilateWords(4)
	bits := reference.Bits(words, 64*len(words))
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	var kept []int // in the first words of want
	wantBy := -1
	cases := func(yield func(dilateCase) bool) {
		for c := range dilateCases(shifts, func(shift int) bool { return shift == 0 || shift == 14 }) {
			if !yield(c) {
				return
			}
			if c.inPlace = true; c.by == 0 && !yield(c) {
				return
			}
		}
	}
	return sweep(cases, func(c *dilateCase) error {
		lead := dilateLead(c.by)
		if wantBy != c.by {
			wantBits := reference.Complement(reference.Dilate(bits[:64*(lead+sweepLen)], c.by, 2))[64*lead:]
			want, kept, wantBy = reference.Words(wantBits), prefixCounts(wantBits), c.by
		}
		src := lay[uint64](a, &c.at, 1, c.n+lead)
		copy(src, words)
		dst := src[1:]
		if !c.inPlace {
			dst = lay[uint64](a, &c.at, 0, c.n)
		}
		got := kernel(dst, src, c.by)
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		if got != kept[c.n] {
			return fmt.Errorf("kept is %d, want %d", got, kept[c.n])
		}
		if c.inPlace {
			return errors.Join(unchanged("src[0]", src[:1], words[:1]), guard.Check(a[1], src))
		}
		if err := unchanged("src", src, words[:len(src)]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], src)
	})
}

// nearShifts are those of blocks on small maps, of one step, and some whose
// second ones add up to 63 in all orders.
var nearShifts = [][]uint64{
	{1, 1}, {1, 2}, {63, 63}, {31, 63}, {1, 2, 7, 14}, {1, 2, 2, 2, 7, 14, 14, 14}, {1, 2, 14, 28}, {1, 2, 3, 4, 8, 16, 24, 32},
	{1, 2, 3, 6, 8, 16, 20, 39}, {20, 39, 8, 16, 3, 6, 1, 2}, {62, 62, 1, 1}, {1, 1, 62, 62}, {16, 32, 16, 31}, {1, 2, 31, 61},
}

// sweepDilateNear compares with one shift after the other over all the words,
// the first of which stays as it was.
func sweepDilateNear(t testing.TB, kernel dilateNearKernel) error {
	words := mixedWords(1+sweepLen, 9)
	words[0] = 1<<63 | 1<<40 | 1<<7 | 1
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	var kept []int
	wantBy := -1
	sizes := func(yield func(int) bool) {
		for i := range nearShifts {
			if !yield(i) {
				return
			}
		}
	}
	return sweep(dilateCases(sizes, func(by int) bool { return by == 4 }), func(c *dilateCase) error {
		if wantBy != c.by {
			bits := reference.Bits(words, 64*len(words))
			for s := nearShifts[c.by]; len(s) > 0; s = s[2:] {
				once := reference.Dilate(bits, int(s[0]), 2)
				for i, b := range reference.Dilate(bits, int(s[1]), 2) {
					once[i] = once[i] || b
				}
				bits = once
			}
			bits = reference.Complement(bits)[64:]
			want, kept, wantBy = reference.Words(bits), prefixCounts(bits), c.by
		}
		got := lay[uint64](a, &c.at, 0, c.n+1)
		copy(got, words)
		if n := kernel(got, nearShifts[c.by]); n != kept[c.n] {
			return fmt.Errorf("kept is %d, want %d", n, kept[c.n])
		}
		if err := sameWords(got[1:], want[:c.n]); err != nil {
			return err
		}
		return errors.Join(unchanged("words[0]", got[:1], words[:1]), guard.Check(a[0], got))
	})
}

// sweepDilateBorder compares with the definition, bit by bit.
func sweepDilateBorder(t testing.TB, kernel dilateBorderKernel) error {
	words := mixedWords(2*dilateLead(largestShift)+sweepLen, 10)
	masks := [2][]uint64{mixedWords(sweepLen, 11), mixedWords(sweepLen, 12)}
	bits, up, down := reference.Bits(words, 64*len(words)), reference.Bits(masks[0], 64*sweepLen), reference.Bits(masks[1], 64*sweepLen)
	a := newArena(t, 8*len(words)+16)
	var want []uint64
	wantBy := -1
	return sweep(dilateCases(shifts, func(by int) bool { return by == 7 || by == 64 || by == 70 }), func(c *dilateCase) error {
		lead := dilateLead(c.by)
		if wantBy != c.by {
			grown := make([]bool, 64*sweepLen)
			for i := range grown {
				at := 64*lead + i
				grown[i] = bits[at] || bits[at-c.by] && up[i] || bits[at+c.by] && down[i]
			}
			want, wantBy = reference.Words(grown), c.by
		}
		dst := lay[uint64](a, &c.at, 0, c.n)
		src := lay[uint64](a, &c.at, 1, c.n+2*lead)
		copy(src, words)
		ups, downs := lay[uint64](a, &c.at, 2, c.n), lay[uint64](a, &c.at, 3, c.n)
		copy(ups, masks[0])
		copy(downs, masks[1])
		kernel(dst, src, ups, downs, c.by)
		if err := sameWords(dst, want[:c.n]); err != nil {
			return err
		}
		return errors.Join(unchanged("src", src, words[:len(src)]), unchanged("up", ups, masks[0][:c.n]), unchanged("down", downs, masks[1][:c.n]),
			guard.Check(a[0], dst), guard.Check(a[1], src), guard.Check(a[2], ups), guard.Check(a[3], downs))
	})
}

// prefixCounts counts the ones in the first 0, 1, … words.
func prefixCounts(bits []bool) []int {
	counts := []int{0}
	for i := 0; i < len(bits); i += 64 {
		counts = append(counts, counts[i/64]+reference.Count(bits[i:i+64]))
	}
	return counts
}

func sweepCount(t testing.TB, kernel countKernel) error {
	full := make([]uint64, sweepLen)
	for i := range full {
		full[i] = ^uint64(0)
	}
	sources := [][]uint64{mixedWords(sweepLen, 5), full}
	var want [][]int
	for _, words := range sources {
		want = append(want, prefixCounts(reference.Bits(words, 64*sweepLen)))
	}
	a := newArena(t, 8*sweepLen+16)
	cases := dilateCases(func(yield func(int) bool) { _ = yield(0) && yield(1) }, func(int) bool { return true })
	return sweep(cases, func(c *dilateCase) error {
		words := lay[uint64](a, &c.at, 0, c.n)
		copy(words, sources[c.by])
		if got, want := kernel(words), want[c.by][c.n]; got != want {
			return fmt.Errorf("the count is %d, want %d", got, want)
		}
		if err := unchanged("words", words, sources[c.by][:c.n]); err != nil {
			return err
		}
		return guard.Check(a[0], words)
	})
}

func TestKernelDilateRow(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateRow(t, k.dilateRow)) })
}

func TestKernelDilateStep(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateStep(t, k.dilateStep)) })
}

func TestKernelDilateKeep(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateKeep(t, k.dilateKeep)) })
}

// TestDilatePlans holds the steps of blocks on maps of all widths around a word's
// to the reference, whichever kernels take them.
func TestDilatePlans(t *testing.T) {
	const n = 9
	eachISA(t, func(t *testing.T, k isa) {
		sc := newScratch().(*scratch)
		for w := 1; w <= 130; w++ {
			for _, block := range []Block{Rect(1, 1), Rect(2, 1), Rect(3, 1), Rect(5, 1), Rect(9, 1), Rect(1, 2), Rect(1, 9), Rect(1, 64),
				Rect(1, 65), Square(2), Square(3), Square(5), Square(7), Rect(2, 33), Rect(2, 64), Rect(64, 1), Rect(65, 1)} {
				seeds := make([]uint64, n)
				for bit := uint64(w) % 7; bit < 64*n; bit += 5 + bit*bit%61 { // few, so that something is left
					seeds[bit/64] |= 1 << (bit % 64)
				}
				bits := reference.Bits(seeds, 64*n)
				want := reference.Complement(reference.Dilate(reference.Dilate(bits, 1, block.w), w, block.h))

				words := append([]uint64{0}, seeds...)
				plan := newDilation(&geometry{axes: [axes]axis{{stride: 1, block: block.w}, {stride: w, block: block.h}}})
				kept := sc.shift.run(&sc.team, k, plan, tunings[k].near && plan.isNear(), words, 1)
				if err := sameWords(words[1:], reference.Words(want)); err != nil || kept != reference.Count(want) {
					t.Fatalf("width %d, block %v: %v, kept %d, want %d", w, block, err, kept, reference.Count(want))
				}
			}
		}
	})
}

func TestKernelDilateNear(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateNear(t, k.dilateNear)) })
}

func TestKernelDilateBorder(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateBorder(t, k.dilateBorder)) })
}

func TestKernelCount(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepCount(t, k.count)) })
}
