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
	a       int // the nearer shift of a pair, else 0
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

// prefixCounts counts the ones in the first 0, 1, … words.
func prefixCounts(bits []bool) []int {
	counts := []int{0}
	for i := 0; i < len(bits); i += 64 {
		counts = append(counts, counts[i/64]+reference.Count(bits[i:i+64]))
	}
	return counts
}

// pairs has each shift alone, with half of it, and with its whole words.
func pairs(cases iter.Seq[dilateCase]) iter.Seq[dilateCase] {
	return func(yield func(dilateCase) bool) {
		for c := range cases {
			for _, a := range []int{c.by, c.by / 2, c.by &^ 63} {
				if c.a = a; !yield(c) {
					return
				}
			}
		}
	}
}

// dilatePair is what a step by two shifts makes of bits.
func dilatePair(bits []bool, a, b int) []bool {
	out := reference.Dilate(bits, b, 2)
	for i, one := range reference.Dilate(bits, a, 2) {
		out[i] = out[i] || one
	}
	return out
}

// A dilated is the words that are right for a case, and the number of ones before each.
type dilated struct {
	words []uint64
	ones  []int
}

// dilatedBy returns a function that has bits dilated, without the lead, for cases that have
// the same shifts as others of late.
func dilatedBy(bits []bool, lead func(by int) int, dilate func(bits []bool, c *dilateCase) []bool) func(c *dilateCase) dilated {
	by, all := -1, map[int]dilated{}
	return func(c *dilateCase) dilated {
		if by != c.by {
			by = c.by
			clear(all)
		}
		d, ok := all[c.a]
		if !ok {
			lead := lead(by)
			want := dilate(bits[:64*(lead+sweepLen)], c)[64*lead:]
			d = dilated{reference.Words(want), prefixCounts(want)}
			all[c.a] = d
		}
		return d
	}
}

func sweepDilateRow(t testing.TB, kernel dilateRowKernel) error {
	cases := dilateCases(blockSizes, func(by int) bool { return by == 7 || by == 14 || by == 64 })
	return sweepDilate(t, cases, func(int) int { return 1 },
		func(bits []bool, c *dilateCase) []bool { return reference.Dilate(bits, 1, c.by) },
		func(dst, src []uint64, c *dilateCase) { kernel(dst, src, c.by) })
}

func sweepDilateStep(t testing.TB, kernel dilateStepKernel) error {
	cases := pairs(dilateCases(shifts, func(by int) bool { return by == 7 || by == 14 || by == 64 }))
	return sweepDilate(t, cases, dilateLead,
		func(bits []bool, c *dilateCase) []bool { return dilatePair(bits, c.a, c.by) },
		func(dst, src []uint64, c *dilateCase) { kernel(dst, src, c.a, c.by) })
}

func sweepDilate(
	t testing.TB, cases iter.Seq[dilateCase], lead func(by int) int,
	dilate func(bits []bool, c *dilateCase) []bool, kernel func(dst, src []uint64, c *dilateCase),
) error {
	words := dilateWords(3)
	a := newArena(t, 8*len(words)+16)
	want := dilatedBy(reference.Bits(words, 64*len(words)), lead, dilate)
	return sweep(cases, func(c *dilateCase) error {
		dst := lay[uint64](a, &c.at, 0, c.n)
		src := lay[uint64](a, &c.at, 1, c.n+lead(c.by))
		copy(src, words)
		kernel(dst, src, c)
		if err := unchanged("src", src, words[:len(src)]); err != nil {
			return err
		}
		if err := sameWords(dst, want(c).words[:c.n]); err != nil {
			return err
		}
		if err := guard.Check(a[0], dst); err != nil {
			return err
		}
		return guard.Check(a[1], src)
	})
}

// sweepDilateKeep has shifts of 0 in place as well.
func sweepDilateKeep(t testing.TB, kernel dilateKeepKernel) error {
	words := dilateWords(4)
	a := newArena(t, 8*len(words)+16)
	want := dilatedBy(reference.Bits(words, 64*len(words)), dilateLead, func(bits []bool, c *dilateCase) []bool {
		return reference.Complement(dilatePair(bits, c.a, c.by))
	})
	cases := func(yield func(dilateCase) bool) {
		for c := range pairs(dilateCases(shifts, func(shift int) bool { return shift == 0 || shift == 14 })) {
			if !yield(c) {
				return
			}
			if c.inPlace = true; c.by == 0 && !yield(c) {
				return
			}
		}
	}
	return sweep(cases, func(c *dilateCase) error {
		src := lay[uint64](a, &c.at, 1, c.n+dilateLead(c.by))
		copy(src, words)
		dst := src[1:]
		if !c.inPlace {
			dst = lay[uint64](a, &c.at, 0, c.n)
		}
		got, want := kernel(dst, src, c.a, c.by), want(c)
		if err := sameWords(dst, want.words[:c.n]); err != nil {
			return err
		}
		if got != want.ones[c.n] {
			return fmt.Errorf("kept is %d, want %d", got, want.ones[c.n])
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

func TestKernelDilateRow(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateRow(t, k.dilateRow)) })
}

func TestKernelDilateStep(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateStep(t, k.dilateStep)) })
}

func TestKernelDilateKeep(t *testing.T) {
	eachISA(t, func(t *testing.T, k isa) { pass(t, sweepDilateKeep(t, k.dilateKeep)) })
}
