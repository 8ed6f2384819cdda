package npy

import (
	"encoding/binary"
	"fmt"
	"io"
)

// chunkLen is how many elements are encoded at once.
const chunkLen = 1 << 10

// Write writes an array as a file of version 1.0 in C order, to the byte as
// NumPy writes it. data holds as many elements as the shape has.
func Write[E Element](w io.Writer, order binary.ByteOrder, shape []int, data []E) error {
	if err := writeHeader(w, dtypeOf[E](), order, shape); err != nil {
		return err
	}
	var buf [8 * chunkLen]byte
	for len(data) > 0 {
		chunk := data[:min(len(data), chunkLen)]
		n, err := binary.Encode(buf[:], order, chunk)
		if err != nil {
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		data = data[len(chunk):]
	}
	return nil
}

// WriteBits writes the first bits of words, as many as the shape has elements,
// as an array of uint8.
func WriteBits(w io.Writer, shape []int, words []uint64) error {
	if err := writeHeader(w, dtypeOf[uint8](), binary.LittleEndian, shape); err != nil {
		return err
	}
	n := 1
	for _, extent := range shape {
		n *= extent
	}
	var buf [64]byte
	for i, word := range words[:(n+63)/64] {
		for j := range buf {
			buf[j] = byte(word >> j & 1)
		}
		if _, err := w.Write(buf[:min(n-64*i, 64)]); err != nil {
			return err
		}
	}
	return nil
}

// writeHeader pads the header as NumPy does.
func writeHeader(w io.Writer, d Dtype, order binary.ByteOrder, shape []int) error {
	mark := "<"
	switch {
	case d.size == 1:
		mark = "|"
	case order == binary.BigEndian:
		mark = ">"
	}
	extents := join(shape, ", ")
	if len(shape) == 1 {
		extents += ","
	}
	h := append(magic[:len(magic):len(magic)], 1, 0, 0, 0)
	h = fmt.Appendf(h, "{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", mark, d.code, extents)
	for len(h)%64 != 63 {
		h = append(h, ' ')
	}
	h = append(h, '\n')
	binary.LittleEndian.PutUint16(h[8:], uint16(len(h)-10))
	_, err := w.Write(h)
	return err
}
