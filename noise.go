package dropblock

import (
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// ApplyNoise is [Apply] with noise where the mask drops: a value of the normal distribution
// N(0,1) for each element of the map, also where elements share bits of the mask. It is a
// function of the seed, layer and step of the mask, of the sample's global index and of the
// element's number in the sample, computed in float32 and then converted to the type of the
// elements, and the same on every CPU and for any split of a batch (docs/stream.md, section
// 12). Kept elements are multiplied by the scale of the mask. The gradient of the output
// goes to that of the input by [Apply].
//
// ApplyNoise panics like Apply, and if the mask drops anything without having been drawn or
// grown for a [Position]: those of [Mask.SetKeep] have no seed, layer and step.
func ApplyNoise[E Float](dst, src []E, m *Mask) {
	m.applyAs("ApplyNoise", output{dst: spanOf(dst), src: spanOf(src), op: opNoise})
}

// ApplyNoisePart is [ApplyNoise] as [ApplyPart] is [Apply].
func ApplyNoisePart[E Float](dst, src []E, m *Mask, part, parts int) {
	m.applyPart("ApplyNoisePart", output{dst: spanOf(dst), src: spanOf(src), op: opNoise}, part, parts)
}

// noiseLead is the elements of a noise buffer before the first one that is written to the
// map: the first quad may begin before it. It keeps the alignment of the buffer.
const noiseLead = 32

// noise is the noise of the dropped elements of some of a map.
type noise struct {
	ks    roundKeys
	lists [gapCallLen]uint32 // numbers of quads
	// A bit for each quad, with those of four words of elements in one.
	quads [noiseCallLen/256 + 1]uint64
	buf   []uint64 // as many elements as a call has, the lead, and the rest of a quad
}

var noises = &pool.Free[noise]{
	New:  func() *noise { return &noise{buf: bitstring.Aligned(noiseCallLen+2*noiseLead, 0)} },
	Keep: func(*noise) bool { return true },
}

// callNoise is call: it draws the noise of some elements, which stays in the first-level
// cache, and fills with it.
func (o *output) callNoise(m *Mask, from, to int, keep []uint64) {
	z := noises.Get()
	expandKey(&z.ks, m.key[0], m.key[1])
	filled := *o
	filled.op = opFill
	filled.fill = span{unsafe.Pointer(unsafe.SliceData(z.buf)), noiseLead + noiseCallLen + noiseLead, o.dst.element}
	for from < to {
		end := min(from+noiseCallLen, to)
		z.draw(m, &filled.fill, from, end, keep)
		filled.fillFrom = from - noiseLead
		filled.call(m, 1, from, end, keep[:bitstring.Words(end-from)])
		keep = keep[(end-from)/64:]
		from = end
	}
	noises.Put(z)
}

// draw draws the noise of the elements [from, to) of a map that are dropped, sample by
// sample. Their bits begin with bit 0 of keep[0], their noise noiseLead elements into the
// buffer. Noise of others is drawn as well: a quad goes beyond the end of a sample of an odd
// length, where the next sample overwrites it.
func (z *noise) draw(m *Mask, buf *span, from, to int, keep []uint64) {
	length := m.size / m.shape.n
	for at := from; at < to; {
		i := at / length
		end := min((i+1)*length, to)
		sample := m.at.Sample + uint64(i)*m.at.stride()
		z.drawSample(m.isa, buf, keep, at-from, end-from, at-i*length, sample)
		at = end
	}
}

// drawSample draws the noise of elements of one sample, of which the bits [from, to) of keep
// are. The first one has the given number in the sample.
func (z *noise) drawSample(k isa, buf *span, keep []uint64, from, to, number int, sample uint64) {
	// Bit i of keep is element i+lead of quads that begin with a multiple of four.
	lead := (number - from) & 3
	words := z.dropped(keep, from, to, uint(lead))
	first := uint32(from / 64 * 16) // the quad of the words' first bit
	ctr := [4]uint32{uint32((number - from - lead) >> 2), domainNoise, uint32(sample), uint32(sample >> 32)}
	dst := buf.part(noiseLead-lead, buf.n)
	for len(words) > 0 {
		n, used := k.ones(&z.lists, words, first)
		if n > 0 {
			for ; n%noiseStride != 0; n++ {
				z.lists[n] = z.lists[n-1]
			}
			k.noise(dst.at, dst.n, dst.element, z.lists[:n], &z.ks, &ctr)
		}
		words, first = words[used:], first+uint32(64*used)
	}
}

// dropped returns a bit for each quad, 1 if a bit of [from, to) of keep is 0 in it. Bit 0 is
// the first quad of the word of bit from, when keep is moved up by lead bits.
func (z *noise) dropped(keep []uint64, from, to int, lead uint) []uint64 {
	low, high := ^uint64(0)<<(from&63), ^uint64(0)>>(-to&63)
	at, last := from/64, (to-1)/64
	end := (to - 1 + int(lead)) / 64
	var before uint64
	n := 0
	for ; at <= end; n++ {
		var four [4]uint64
		for i := range four {
			var x uint64
			if at <= last {
				x = ^keep[at] & low
				if at == last {
					x &= high
				}
			}
			low = ^uint64(0)
			y := x<<lead | before>>(64-lead)
			before = x
			y |= y >> 1
			four[i] = (y | y>>2) & 0x1111111111111111
			at++
		}
		z.quads[n] = gather(four[0] | four[1]<<1 | four[2]<<2 | four[3]<<3)
	}
	return z.quads[:n]
}

// gather moves bit 4i+j of a word to bit 16j+i.
func gather(x uint64) uint64 {
	swap := func(x, mask uint64, by uint) uint64 {
		t := (x>>by ^ x) & mask
		return x ^ t ^ t<<by
	}
	// Each exchanges two bits of the bits' numbers.
	x = swap(x, 0x0a0a0a0a0a0a0a0a, 3)
	x = swap(x, 0x00cc00cc00cc00cc, 6)
	x = swap(x, 0x0000f0f00000f0f0, 12)
	return swap(x, 0x00000000ff00ff00, 24)
}
