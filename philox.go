package dropblock

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"
)

// The constants of Philox4x32 (Salmon, Moraes, Dror, Shaw: "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011; Random123's philox.h).
const (
	philoxM0     = 0xD2511F53
	philoxM1     = 0xCD9E8D57
	philoxW0     = 0x9E3779B9
	philoxW1     = 0xBB67AE85
	philoxRounds = 10
)

// Key is a key of Philox4x32, low word first. [NewKey] derives the one of a layer
// at a step.
type Key [2]uint32

// roundKeys are the keys of the ten rounds.
type roundKeys [philoxRounds][2]uint32

// expandKey is unrolled by hand: a loop takes twice as long, and a small map is drawn and
// applied in some 180 ns.
func expandKey(ks *roundKeys, k0, k1 uint32) {
	const mask = 1<<32 - 1
	ks[0][0], ks[0][1] = k0+0*philoxW0&mask, k1+0*philoxW1&mask
	ks[1][0], ks[1][1] = k0+1*philoxW0&mask, k1+1*philoxW1&mask
	ks[2][0], ks[2][1] = k0+2*philoxW0&mask, k1+2*philoxW1&mask
	ks[3][0], ks[3][1] = k0+3*philoxW0&mask, k1+3*philoxW1&mask
	ks[4][0], ks[4][1] = k0+4*philoxW0&mask, k1+4*philoxW1&mask
	ks[5][0], ks[5][1] = k0+5*philoxW0&mask, k1+5*philoxW1&mask
	ks[6][0], ks[6][1] = k0+6*philoxW0&mask, k1+6*philoxW1&mask
	ks[7][0], ks[7][1] = k0+7*philoxW0&mask, k1+7*philoxW1&mask
	ks[8][0], ks[8][1] = k0+8*philoxW0&mask, k1+8*philoxW1&mask
	ks[9][0], ks[9][1] = k0+9*philoxW0&mask, k1+9*philoxW1&mask
}

// Philox4x32 is Philox4x32-10 in its stateless form: it returns the four random
// words of a counter and a key, both with the least significant word first.
func Philox4x32(counter [4]uint32, key Key) [4]uint32 {
	x0, x1, x2, x3 := philox10(counter[0], counter[1], counter[2], counter[3], key[0], key[1])
	return [4]uint32{x0, x1, x2, x3}
}

// philox10 takes and returns words in registers: copying an array that was just stored
// word by word misses store forwarding.
func philox10(x0, x1, x2, x3, k0, k1 uint32) (_, _, _, _ uint32) {
	for range philoxRounds {
		x0, x1, x2, x3 = philoxRound(x0, x1, x2, x3, k0, k1)
		k0, k1 = k0+philoxW0, k1+philoxW1
	}
	return x0, x1, x2, x3
}

func philoxBlock(ks *roundKeys, c [4]uint32) [4]uint32 {
	x0, x1, x2, x3 := c[0], c[1], c[2], c[3]
	for r := range ks {
		x0, x1, x2, x3 = philoxRound(x0, x1, x2, x3, ks[r][0], ks[r][1])
	}
	return [4]uint32{x0, x1, x2, x3}
}

func philoxRound(x0, x1, x2, x3, k0, k1 uint32) (uint32, uint32, uint32, uint32) {
	p0 := uint64(x0) * philoxM0
	p1 := uint64(x2) * philoxM1
	// The keys first, as the products have the longer latency.
	return uint32(p1>>32) ^ (x1 ^ k0), uint32(p1), uint32(p0>>32) ^ (x3 ^ k1), uint32(p0)
}

// Philox is Philox4x32-10 as a [rand.Source]. The zero value is a source with
// key 0 at counter 0. It is not safe for concurrent use; sources with
// different keys are independent streams.
type Philox struct {
	key     Key
	counter [4]uint32 // of the next block
	block   [4]uint32
	left    uint8 // words of block not yet returned
}

var _ rand.Source = (*Philox)(nil)

// NewPhilox returns a source with the given key at counter 0.
func NewPhilox(key Key) *Philox { return &Philox{key: key} }

func (p *Philox) must() {
	if p == nil {
		panic("dropblock: the Philox is nil, make one with NewPhilox")
	}
}

// SetCounter moves the source to the block with the given counter, least
// significant word first.
func (p *Philox) SetCounter(counter [4]uint32) {
	p.must()
	p.counter, p.left = counter, 0
}

// Uint32 returns the next word of the current block, and after word 3 the words of
// the block with the next counter.
func (p *Philox) Uint32() uint32 {
	p.must()
	if p.left == 0 {
		p.block = Philox4x32(p.counter, p.key)
		p.left = 4
		advance(&p.counter, 1)
	}
	p.left--
	return p.block[3-p.left]
}

// Uint64 returns the next two words, with the first one in the low half.
func (p *Philox) Uint64() uint64 {
	lo := p.Uint32()
	return uint64(p.Uint32())<<32 | uint64(lo)
}

const philoxMagic = "philox4x32:"

// AppendBinary implements encoding.BinaryAppender.
func (p *Philox) AppendBinary(b []byte) ([]byte, error) {
	p.must()
	b = append(b, philoxMagic...)
	for _, w := range p.key {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	for _, w := range p.counter {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return append(b, p.left), nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (p *Philox) MarshalBinary() ([]byte, error) {
	return p.AppendBinary(make([]byte, 0, len(philoxMagic)+25))
}

var errPhilox = errors.New("dropblock: not the binary encoding of a Philox source")

// UnmarshalBinary implements encoding.BinaryUnmarshaler. It returns an error, leaving
// the source as it was, if data is not from MarshalBinary.
func (p *Philox) UnmarshalBinary(data []byte) error {
	p.must()
	if len(data) != len(philoxMagic)+25 || string(data[:len(philoxMagic)]) != philoxMagic || data[len(data)-1] > 3 {
		return errPhilox
	}
	data = data[len(philoxMagic):]
	var q Philox
	for i := range q.key {
		q.key[i] = binary.BigEndian.Uint32(data[4*i:])
	}
	for i := range q.counter {
		q.counter[i] = binary.BigEndian.Uint32(data[8+4*i:])
	}
	if q.left = data[24]; q.left > 0 {
		q.block = Philox4x32(previous(q.counter), q.key)
	}
	*p = q
	return nil
}

func advance(c *[4]uint32, n uint32) {
	var carry uint32
	c[0], carry = bits.Add32(c[0], n, 0)
	for i := 1; i < 4; i++ {
		c[i], carry = bits.Add32(c[i], 0, carry)
	}
}

// previous returns the counter before c.
func previous(c [4]uint32) [4]uint32 {
	for i := range c {
		c[i]--
		if c[i] != 1<<32-1 {
			break
		}
	}
	return c
}
