package npy

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Write writes an array as a file of version 1.0 in C order, to the byte as
// NumPy writes it. data holds as many elements as the shape has.
func Write[E Element](w io.Writer, order binary.ByteOrder, shape []int, data []E) error {
	h := Header{Dtype: dtypeOf[E](), Order: order, Shape: shape}
	return h.Write(w, Bytes(data))
}

// Write writes a file of version 1.0 with the dtype, order of bytes and shape of a header.
// elems are in C order and in this machine's order of bytes, and stay as they are.
func (h *Header) Write(w io.Writer, elems []byte) error {
	if err := h.writeHeader(w); err != nil {
		return err
	}
	if h.Order == nativeOrder || h.size == 1 {
		_, err := w.Write(elems)
		return err
	}
	buf := make([]byte, chunkBytes)
	for len(elems) > 0 {
		n := copy(buf, elems)
		h.swap(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		elems = elems[n:]
	}
	return nil
}

// WriteBits writes the first bits of words, as many as the shape has elements,
// as an array of uint8.
func WriteBits(w io.Writer, shape []int, words []uint64) error {
	h := Header{Dtype: dtypeOf[uint8](), Order: nativeOrder, Shape: shape}
	if err := h.writeHeader(w); err != nil {
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
func (h *Header) writeHeader(w io.Writer) error {
	extents := join(h.Shape, ", ")
	if len(h.Shape) == 1 {
		extents += ","
	}
	b := append([]byte(magic), 1, 0, 0, 0)
	b = fmt.Appendf(b, "{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", h.mark(), h.code, extents)
	for len(b)%64 != 63 {
		b = append(b, ' ')
	}
	b = append(b, '\n')
	binary.LittleEndian.PutUint16(b[8:], uint16(len(b)-10))
	_, err := w.Write(b)
	return err
}
