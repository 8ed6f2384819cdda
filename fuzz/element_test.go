package fuzz

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"unsafe"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/guard"
	"github.com/dropblock-go/dropblock/internal/reference"
)

// elementType is a type of elements, of which inputs are made.
type elementType[E dropblock.Float] struct{ *reference.Element[E] }

// elements are all of them. Inputs of the corpus have their numbers.
var elements = [...]interface {
	forward(in *forwardInput) error
	newScale(src, keep []byte, scale uint64, dstOffset, srcOffset uint8) input
	randomScale(r *rand.Rand) input
	newExpand(keep []byte, n int, scale uint64, offset uint8) input
	randomExpand(r *rand.Rand) input
	specials(n int) []byte
	specialBits() []uint64
	nearestBits(v float64) uint64
}{
	elementType[float32]{&reference.Float32},
	elementType[float64]{&reference.Float64},
	elementType[dropblock.Float16]{half[dropblock.Float16](reference.Binary16)},
	elementType[dropblock.BFloat16]{half[dropblock.BFloat16](reference.Brain16)},
}

func half[E ~uint16](f *reference.Format) *reference.Element[E] {
	e := reference.Half[E](f)
	return &e
}

// size is in bytes.
func (elementType[E]) size() int { return int(unsafe.Sizeof(*new(E))) }

// offset makes a number of bytes, a multiple of the size, below guard.Align of any number.
func (of elementType[E]) offset(n int) int { return n % (guard.Align / of.size()) * of.size() }

// fromBits returns the element of the lowest bits.
func fromBits[E dropblock.Float](bits uint64) (e E) {
	switch e := any(&e).(type) {
	case *float32:
		*e = math.Float32frombits(uint32(bits))
	case *float64:
		*e = math.Float64frombits(bits)
	case *dropblock.Float16:
		*e = dropblock.Float16(bits)
	case *dropblock.BFloat16:
		*e = dropblock.BFloat16(bits)
	}
	return e
}

// toBits is the inverse of fromBits.
func toBits[E dropblock.Float](e E) uint64 {
	switch e := any(e).(type) {
	case float32:
		return uint64(math.Float32bits(e))
	case float64:
		return math.Float64bits(e)
	case dropblock.Float16:
		return uint64(e)
	case dropblock.BFloat16:
		return uint64(e)
	}
	panic("an element of another type")
}

// elementsOf takes the bytes as little-endian elements.
func elementsOf[E dropblock.Float](data []byte) []E {
	size := int(unsafe.Sizeof(*new(E)))
	elements := make([]E, len(data)/size)
	for i := range elements {
		var word [8]byte
		copy(word[:], data[size*i:size*(i+1)])
		elements[i] = fromBits[E](binary.LittleEndian.Uint64(word[:]))
	}
	return elements
}

// specials are the bytes of all special values, over and over, in n elements.
func (of elementType[E]) specials(n int) (data []byte) {
	for i := range n {
		data = binary.LittleEndian.AppendUint64(data, toBits(of.Special[i%len(of.Special)]))[:(i+1)*of.size()]
	}
	return data
}

func (of elementType[E]) specialBits() (all []uint64) {
	for _, e := range of.Special {
		all = append(all, toBits(e))
	}
	return all
}

func (of elementType[E]) nearestBits(v float64) uint64 { return toBits(of.Nearest(v)) }

// random returns ordinary numbers or, in some draws, all patterns of bits and special values.
func (of elementType[E]) random(r *rand.Rand, n int) []E {
	elements := make([]E, n)
	kind, unused := r.IntN(3), 64-8*of.size()
	for i := range elements {
		switch {
		case kind == 0:
			v := float64(r.Float32()) - .5
			elements[i] = of.Nearest(v + float64(0x1p-26*v)) // v, with more digits for float64
		case kind == 1 || r.IntN(2) == 0:
			elements[i] = fromBits[E](r.Uint64() >> unused)
		default:
			elements[i] = of.Special[r.IntN(len(of.Special))]
		}
	}
	return elements
}

// randomFactor is a usual scale, or any element.
func (of elementType[E]) randomFactor(r *rand.Rand) E {
	switch r.IntN(4) {
	case 0:
		return fromBits[E](r.Uint64())
	case 1:
		return of.Special[r.IntN(len(of.Special))]
	}
	return of.Nearest(1 + r.Float64())
}
