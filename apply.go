package dropblock

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/cpucache"
)

// Apply writes src to dst, what the mask keeps multiplied by its scale and what
// it drops as +0, whatever was there. The same call with the same mask takes
// the gradient of the output to the gradient of the input. It computes with
// the kernel set of the layer that filled the mask.
//
// dst and src are feature maps of the mask's shape. They may be the same
// slice. Apply panics, without writing anything, if the mask is not filled, if a
// length is not that of the shape, or if dst and src overlap in part.
func Apply(dst, src []float32, m *Mask) {
	m.mustHold("Apply", "dst", len(dst))
	m.mustHold("Apply", "src", len(src))
	if partialOverlap(dst, src) {
		panic("dropblock: Apply: dst and src overlap in part")
	}
	if len(dst) > 0 {
		of := workers(m.workers, m.size)
		o := output{dst: dst, src: src}
		if o.choose(m, of, cpucache.LastLevel()); o.whole != wholeNothing {
			m.write(&o, of)
		}
	}
}

// ApplyPart is [Apply] for callers who share the work among goroutines of their
// own: it writes one part of dst, the parts 0 to of−1 together all of it, and
// no element twice. It starts no goroutine. It panics like Apply, and if part
// is not from 0 to of−1.
func ApplyPart(dst, src []float32, m *Mask, part, of int) {
	m.mustHold("ApplyPart", "dst", len(dst))
	m.mustHold("ApplyPart", "src", len(src))
	if partialOverlap(dst, src) {
		panic("dropblock: ApplyPart: dst and src overlap in part")
	}
	if part < 0 || part >= of {
		panic("dropblock: ApplyPart: part is not from 0 to of-1")
	}
	if len(dst) > 0 {
		o := output{dst: dst, src: src}
		o.choose(m, of, cpucache.LastLevel())
		m.writePart(&o, part, of, wakePieces)
	}
}

// choose chooses how so many goroutines apply the mask to src, which is not empty.
// cache is the bytes of the last-level cache.
func (o *output) choose(m *Mask, of, cache int) {
	inPlace := &o.dst[0] == &o.src[0]
	switch {
	case m.kept == 0:
		o.whole = wholeZero
	case m.kept == m.count && m.scale == 1 && inPlace:
		o.whole = wholeNothing
	case m.kept == m.count && m.scale == 1:
		o.whole = wholeCopy
	default:
		o.stream = !inPlace && bypasses(len(o.dst), of, cache)
	}
}

// bypasses reports whether an output of n float32 is stored around the caches: if
// source and destination together take more than three quarters of the last level,
// or all of it where several goroutines write. It then saves reading the destination.
// Where the last level had 32 MiB the times of one goroutine were equal at 12 MiB a
// map; at 10 it would lose 20 %, at 16 it gained 8 % and at 25 a quarter. Two took up to
// twice as long around the caches at 12 MiB, and were equal at 25, on a CPU of Zen 4.
func bypasses(n, of, cache int) bool {
	size := cache / 4 / 2
	if of == 1 {
		size -= size / 4
	}
	return size > 0 && n > size
}

// ScaleTo writes the mask as factors: its scale where it keeps and +0 where it
// drops, for those who multiply themselves. dst is a feature map of the mask's
// shape. It panics, without writing anything, if the mask is not filled or dst
// has another length.
func (m *Mask) ScaleTo(dst []float32) {
	m.mustHold("ScaleTo", "dst", len(dst))
	m.write(&output{dst: dst}, workers(m.workers, m.size))
}

// KeepTo writes the mask as booleans, true to keep. dst is a feature map of
// the mask's shape. It panics, without writing anything, if the mask is not
// filled or dst has another length.
func (m *Mask) KeepTo(dst []bool) {
	m.mustHold("KeepTo", "dst", len(dst))
	m.write(&output{bools: dst}, workers(m.workers, m.size))
}

// output is where a mask goes: applied to src, as factors if that is nil, or
// as booleans.
type output struct {
	dst, src []float32
	bools    []bool
	stream   bool // around the caches
	whole    whole
}

// whole is what is done to all of an output, whatever the bits.
type whole uint8

const (
	wholeByBits whole = iota
	wholeZero
	wholeCopy
	wholeNothing
)

// wakePieces pieces of scaleCallLen elements are stored through the caches and
// around them by turns, before all are stored around. Where there were no
// stores around the caches for a while, as in a training step, a CPU of Zen 5 is
// slow with them for some 50 µs. It was 5 to 12 % of 6 MiB that this saved, and
// 1 % that it cost where stores were awake.
const wakePieces = 8

// piece writes the elements from and up to to, keep having their bits from bit 0
// of a word on. asleep is how many of wakePieces are left.
func (o *output) piece(m *Mask, asleep, from, to int, keep []uint64) {
	switch {
	case o.bools != nil:
		m.isa.expandBool(o.bools[from:to], keep)
	case o.stream && asleep%2 == 0:
		m.isa.scaleStream(unsafe.Pointer(&o.dst[from]), unsafe.Pointer(&o.src[from]), to-from, elementFloat32, keep, m.scale)
	case o.src != nil:
		m.isa.scale(unsafe.Pointer(&o.dst[from]), unsafe.Pointer(&o.src[from]), to-from, elementFloat32, keep, m.scale)
	default:
		m.isa.expand(unsafe.Pointer(&o.dst[from]), to-from, elementFloat32, keep, m.scale)
	}
}

func (m *Mask) mustHold(call, name string, n int) {
	if !m.filled {
		panic("dropblock: " + call + ": the mask is not filled: Sample, Grow or Identity comes first")
	}
	if n != m.size {
		m.panicLength(call, name, n)
	}
}

//go:noinline
func (m *Mask) panicLength(call, name string, n int) {
	panic(fmt.Sprintf("dropblock: %s: %s has %d elements, want the %d of a feature map of %v", call, name, n, m.size, m.shape))
}

// job is an output that several goroutines write.
type job struct {
	team
	output
	mask    *Mask
	workers int
}

// partLen elements, about, are a part: so few that one who comes late takes some
// too, and none waits long for another one's last part.
const partLen = streamCallLen

func (j *job) part(i, of int) {
	const first = wakePieces * scaleCallLen / partLen
	asleep := 0
	if i < first || i >= of-first*(j.workers-1) { // what the caller and helpers begin with
		asleep = wakePieces
	}
	j.mask.writePart(&j.output, i, of, asleep)
}

// jobs keeps what calls have used, as a mask may be applied by many goroutines
// at once.
var jobs = sync.Pool{New: func() any { return new(job) }}

// write writes the output on so many goroutines.
func (m *Mask) write(o *output, of int) {
	if of == 1 {
		m.writePart(o, 0, 1, wakePieces)
		return
	}
	j := jobs.Get().(*job)
	j.output, j.mask = *o, m
	j.workers = of
	j.run(j, max(m.size/partLen, of), of)
	j.output, j.mask = output{}, nil
	jobs.Put(j)
}

// writePart cuts a part of the feature map into pieces of at most scaleCallLen
// elements, or of streamCallLen where they are stored around the caches and awake.
func (m *Mask) writePart(o *output, part, of, asleep int) {
	from, end := 0, m.size
	if of > 1 {
		from, end = share(m.size, scaleCallLen, part, of), share(m.size, scaleCallLen, part+1, of)
	}
	switch {
	case o.whole == wholeZero:
		clear(o.dst[from:end])
	case o.whole == wholeCopy:
		copy(o.dst[from:end], o.src[from:end])
	case o.whole == wholeNothing:
	case m.size > 0 && m.bits != m.shape:
		m.writeShared(o, part, of, asleep)
	default:
		words := m.buf[1:]
		for from < end {
			length := scaleCallLen
			if o.stream && asleep == 0 {
				length = streamCallLen
			}
			to := from + min(length, end-from)
			o.piece(m, asleep, from, to, words[from/64:wordsLen(to)])
			from, asleep = to, max(asleep-1, 0)
		}
	}
}

// writeShared puts the mask that a sample's channels share behind itself for
// as many channels as a piece has room for, so that kernels see long runs of
// bits that begin with a word. Of a plane larger than that it takes a piece
// through all channels.
func (m *Mask) writeShared(o *output, part, of, asleep int) {
	plane := m.shape.H * m.shape.W
	repeat := min(max(scaleCallLen/plane, 1), m.shape.C)
	// As many planes end with a word.
	whole := 64 >> min(bits.TrailingZeros(uint(plane)), 6)
	if repeat < m.shape.C && repeat > whole {
		repeat -= repeat % whole // Pieces begin at multiples of 64 bytes of dst.
	}
	cuts := (plane + scaleCallLen - 1) / scaleCallLen // of a plane
	groups := (m.shape.C + repeat - 1) / repeat       // of channels
	var buf [scaleCallLen / 64]uint64
	pieces := m.shape.N * cuts * groups
	held := -1 // the cut of a sample that buf holds
	for i := share(pieces, 1, part, of); i < share(pieces, 1, part+1, of); i++ {
		n, at, c := i/groups/cuts, i/groups%cuts*scaleCallLen, i%groups*repeat
		length := min(plane-at, scaleCallLen)
		if held != i/groups {
			held = i / groups
			repeatBits(buf[:wordsLen(repeat*length)], m.buf[1:], n*plane+at, length, whole)
		}
		from := (n*m.shape.C+c)*plane + at
		to := from + min(repeat, m.shape.C-c)*length
		o.piece(m, asleep, from, to, buf[:wordsLen(to-from)])
		asleep = max(asleep-1, 0)
	}
}

// repeatBits fills dst with the n bits of src from a bit on, again and again. Bits
// behind the last whole n are anything. So many n are whole words.
func repeatBits(dst, src []uint64, from, n, whole int) {
	period := n // of at least a word
	clear(dst[:wordsLen(n)])
	moveBits(dst, 0, src, from, n)
	if n < 64 {
		for have := n; have < 64; have *= 2 {
			dst[0] |= dst[0] << have
		}
		if period = (63/n + 1) * n; len(dst) > 1 {
			dst[1] = dst[0] >> (64 - n) & ones(period-64)
		}
	}
	// A bit is that of a period before.
	lag, s := period/64, uint(period%64)
	if lag >= len(dst) {
		return
	}
	if s == 0 {
		dst[lag] = 0
	}
	dst[lag] |= dst[0] << s
	end := min(whole*n/64, len(dst))
	for i := lag + 1; i < end; i++ {
		dst[i] = dst[i-lag]<<s | dst[i-lag-1]>>(64-s)
	}
	for done := end; done < len(dst); done *= 2 {
		copy(dst[done:], dst[:done])
	}
}

// moveBits ORs n bits of src to dst, whose bits from there on are zero. They may
// be the same words, as long as the bits do not overlap.
func moveBits(dst []uint64, to int, src []uint64, from, n int) {
	for n > 0 {
		if to&63 == 0 && n >= 64 { // whole words of dst
			s, words := uint(from&63), dst[to>>6:][:n>>6]
			for i := range words {
				w := src[from>>6+i] >> s
				if s > 0 {
					w |= src[from>>6+i+1] << (64 - s)
				}
				words[i] = w
			}
			from, to, n = from+n&^63, to+n&^63, n&63
			continue
		}
		w := src[from>>6] >> (from & 63)
		run := min(n, 64-to&63)
		if have := 64 - from&63; have < run {
			w |= src[from>>6+1] << have
		}
		dst[to>>6] |= w & ones(run) << (to & 63)
		from, to, n = from+run, to+run, n-run
	}
}

// partialOverlap reports whether the slices share memory without being the
// same, as crypto/internal/fips140/alias does.
func partialOverlap(x, y []float32) bool {
	if len(x) == 0 || len(y) == 0 || &x[0] == &y[0] {
		return false
	}
	return uintptr(unsafe.Pointer(&x[0])) <= uintptr(unsafe.Pointer(&y[len(y)-1])) &&
		uintptr(unsafe.Pointer(&y[0])) <= uintptr(unsafe.Pointer(&x[len(x)-1]))
}
