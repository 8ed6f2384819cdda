package dropblock

import (
	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/pool"
)

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
	// The elements that the call is for, if the kernel asks for their cache lines.
	dst, src span
}

var noises = &pool.Free[noise]{
	New:  func() *noise { return &noise{buf: bitstring.Aligned(noiseCallLen+2*noiseLead, 0)} },
	Keep: func(*noise) bool { return true },
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
			to, from, lines := z.lines(4*int(first)-lead, 256*used)
			k.noise(dst.at, dst.n, dst.element, z.lists[:n], &z.ks, &ctr, to, from, lines)
		}
		words, first = words[used:], first+uint32(64*used)
	}
}

// lines returns where n elements of the call, or those that there are of them, will be written
// and read, and how many cache lines they take, or none if there is nothing to ask for.
func (z *noise) lines(at, n int) (to, from *byte, lines int) {
	if z.dst.n == 0 {
		return nil, nil, 0
	}
	at = max(at, 0)
	end := min(at+n, z.dst.n)
	dst, src := z.dst.part(at, end), z.src.part(at, end)
	return (*byte)(dst.at), (*byte)(src.at), len(dst.bytes()) / 64
}

// dropped returns a bit for each quad, 1 if a bit of [from, to) of keep is 0 in it, and
// perhaps if another bit is. Bit 0 is the first quad of the word of bit from, when keep is
// moved up by lead bits.
func (z *noise) dropped(keep []uint64, from, to int, lead uint) []uint64 {
	word := from / 64
	first, last := uint(from&63)+lead, uint(to-1-64*word)+lead
	quads := z.quads[:last/256+1]
	keep = keep[word:]
	var before uint64
	for n := range quads {
		k0, k1, k2, k3 := uint64(0), uint64(0), uint64(0), uint64(0)
		if len(keep) >= 4 {
			k0, k1, k2, k3 = keep[0], keep[1], keep[2], keep[3]
			keep = keep[4:]
		} else {
			var k [4]uint64
			copy(k[:], keep)
			k0, k1, k2, k3 = k[0], k[1], k[2], k[3]
		}
		if lead > 0 {
			k0, k1, k2, k3, before = k0<<lead|before>>(64-lead), k1<<lead|k0>>(64-lead),
				k2<<lead|k1>>(64-lead), k3<<lead|k2>>(64-lead), k3
		}
		// Two bits of four words, then four, in one word.
		const low2, low4 = 0x5555555555555555, 0x3333333333333333
		a := k0&(k0>>1)&low2 | k1&(k1<<1)&^low2
		b := k2&(k2>>1)&low2 | k3&(k3<<1)&^low2
		quads[n] = ^gather(a&(a>>2)&low4 | b&(b<<2)&^low4)
	}
	quads[0] &= ^uint64(0) << (first / 4)
	quads[len(quads)-1] &= ^uint64(0) >> (63 - last/4%64)
	return quads
}

// gather moves bit 4i+j of a word to bit 16j+i.
func gather(x uint64) uint64 {
	// Each step exchanges two bits of the bits' numbers.
	t := (x>>3 ^ x) & 0x0a0a0a0a0a0a0a0a
	x ^= t ^ t<<3
	t = (x>>6 ^ x) & 0x00cc00cc00cc00cc
	x ^= t ^ t<<6
	t = (x>>12 ^ x) & 0x0000f0f00000f0f0
	x ^= t ^ t<<12
	t = (x>>24 ^ x) & 0x00000000ff00ff00
	return x ^ t ^ t<<24
}
