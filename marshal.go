package dropblock

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/dropblock-go/dropblock/internal/bitstring"
)

// maskVersion is the version of the bytes of a mask:
//
//	"DBmask"                    6 bytes
//	version, layout, norm       a byte each
//	whether it has a key        a byte, 0 or 1
//	N, C, D, H, W of the map    8 bytes each, D and H 0 in a layout without them
//	N, C of the mask            8 bytes each
//	gamma, scale                8 bytes each, a float64
//	seeds, kept                 8 bytes each
//	key                         4 bytes each
//	step, sample, stride        8 bytes each
//	the words                   8 bytes each
//
// Integers are little-endian. The scales of NormSample and NormPlane follow from the words.
const maskVersion = 1

const (
	maskMagic  = "DBmask"
	maskHeader = len(maskMagic) + 4 + 8*(7+2+2) + 4*2 + 8*3
)

// MarshalBinary implements encoding.BinaryMarshaler: it returns the mask with its scales
// and its key, so that a backward pass elsewhere, or later, is that of the forward pass. It
// returns an error if the mask is not filled. The format has a version, and later versions
// of this package read it. encoding/gob stores masks so; for encoding/json store the bytes,
// as a mask itself has no exported fields.
func (m *Mask) MarshalBinary() ([]byte, error) {
	m.must()
	if !m.filled {
		return nil, fmt.Errorf("dropblock: MarshalBinary: the mask is not filled: Sample, Grow, SetKeep or Identity comes first")
	}
	words := m.buf[1:]
	b := make([]byte, 0, maskHeader+8*len(words))
	keyed := byte(0)
	if m.keyed {
		keyed = 1
	}
	b = append(append(b, maskMagic...), maskVersion, byte(m.shape.layout), byte(m.norm), keyed)
	s := &m.shape
	for _, n := range []int{s.n, s.c, s.d, s.h, s.w, m.bits.n, m.bits.c} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.gamma))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.scale[0]))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.seeds))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.kept))
	b = binary.LittleEndian.AppendUint32(b, m.key[0])
	b = binary.LittleEndian.AppendUint32(b, m.key[1])
	for _, n := range []uint64{m.at.Step, m.at.Sample, m.at.Stride} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The mask is then applied with the
// best kernel set of this CPU and up to GOMAXPROCS goroutines. data is not trusted: what is
// inconsistent in itself is refused with an error that says what, and leaves m as it was.
func (m *Mask) UnmarshalBinary(data []byte) error {
	m.must()
	if err := m.unmarshal(data); err != nil {
		return fmt.Errorf("dropblock: the bytes of a mask: %w", err)
	}
	return nil
}

func (m *Mask) unmarshal(data []byte) error {
	if len(data) < maskHeader || string(data[:len(maskMagic)]) != maskMagic {
		return fmt.Errorf("they are %d and do not begin with a header of %d", len(data), maskHeader)
	}
	head := data[len(maskMagic):]
	version, layout, norm, keyed := head[0], Layout(head[1]), Norm(head[2]), head[3]
	if version != maskVersion {
		return fmt.Errorf("version is %d, want %d", version, maskVersion)
	}
	if err := layoutOptions.check("layout", uint8(layout)); err != nil {
		return err
	}
	if err := normOptions.check("norm", uint8(norm)); err != nil {
		return err
	}
	if keyed > 1 {
		return fmt.Errorf("key is marked by %d, want 0 or 1", keyed)
	}
	head = head[4:]
	next := func() (n uint64) {
		n, head = binary.LittleEndian.Uint64(head), head[8:]
		return n
	}
	var extents [7]int
	for i := range extents {
		n := next()
		if n > math.MaxInt {
			return fmt.Errorf("extent %d is %d, want %d at most", i, n, math.MaxInt)
		}
		extents[i] = int(n)
	}
	s := Shape{layout, extents[0], extents[1], extents[2], extents[3], extents[4]}
	if lacked := s.d | s.h; layout.axes() == 1 && lacked != 0 || layout.axes() == 2 && s.d != 0 {
		return fmt.Errorf("depth is %d and height is %d, want 0 for an axis that %v lacks", s.d, s.h, layout)
	}
	if err := s.Check(); err != nil {
		return err
	}
	bits := s
	bits.n, bits.c = extents[5], extents[6]
	if bits.n != s.n && bits.n != min(s.n, 1) || bits.c != s.c && bits.c != min(s.c, 1) {
		return fmt.Errorf("the mask has %d samples of %d channels, want those of a map of %v, or one", bits.n, bits.c, s)
	}
	gamma, scale := math.Float64frombits(next()), math.Float64frombits(next())
	if !isProbability(gamma) {
		return fmt.Errorf("gamma is %v, want a probability from 0 to 1", gamma)
	}
	if !(scale >= 0 && scale <= math.MaxFloat64) {
		return fmt.Errorf("scale is %v, want a finite factor of 0 or more", scale)
	}
	seeds, kept := next(), next()
	count := bits.Len()
	if max(seeds, kept) > uint64(count) {
		return fmt.Errorf("%d seeds and %d kept, want %d at most", seeds, kept, count)
	}
	key := Key{binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])}
	head = head[8:]
	at := Position{Step: next(), Sample: next(), Stride: next()}

	n := bitstring.Words(count)
	if len(head)/8 != n || len(head)%8 != 0 {
		return fmt.Errorf("%d are left for the words, want %d words for the %d elements of a mask of %v", len(head), n, count, bits)
	}
	words := make([]uint64, n)
	for i := range words {
		words[i] = next()
	}
	if rest := count % 64; rest > 0 && words[n-1]&^bitstring.Low(rest) != 0 {
		return fmt.Errorf("the last word is %#x, want only the lowest %d bits", words[n-1], rest)
	}
	if ones := (KernelSet{}).Count(words); uint64(ones) != kept {
		return fmt.Errorf("the words have %d ones, want the %d kept", ones, kept)
	}

	share := Config{Share: shareOf(s, bits)}
	m.hold(s, bits, share.spread(s), nil, nil)
	bitstring.Copy(m.buf[1:], words)
	m.setNorm(norm)
	m.kept, m.seeds, m.gamma, m.scale[0] = int(kept), int(seeds), gamma, scale
	m.keyed, m.key, m.at = keyed == 1, key, at
	if m.groups.many > 0 && count > 0 {
		m.normaliseGroups()
	}
	return nil
}

// shareOf returns how a map of shape s shares a mask of shape bits.
func shareOf(s, bits Shape) Share {
	switch {
	case bits.n != s.n && bits.c != s.c:
		return ShareAll
	case bits.n != s.n:
		return ShareBatch
	case bits.c != s.c:
		return ShareChannels
	}
	return ShareNone
}
