package dropblock

import (
	"fmt"
	"strconv"
)

// Block is the size of a block in cells of the feature map, one number an
// axis. Blocks are compared with ==. The zero Block has no cells, and [New]
// refuses it.
type Block struct{ d, h, w int }

// Square returns a block of b cells on every axis that the map has.
func Square(b int) Block { return cuboid(b, b, b) }

// Rect returns a block of h rows and w columns, of depth 1.
func Rect(h, w int) Block { return cuboid(1, h, w) }

func cuboid(d, h, w int) Block { return Block{d, h, w} }

// Size returns the block's depth, rows and columns: b, b and b for [Square](b). On
// a map that lacks an axis the block is clipped to 1 there (see [Layer.BlockOn]).
func (b Block) Size() (d, h, w int) { return b.d, b.h, b.w }

// String returns the sizes: "7" for [Square](7), "7x7" for [Rect](7, 7), and
// "3x7x7" for a block of depth 3.
func (b Block) String() string {
	switch {
	case b.d == b.h && b.d == b.w:
		return strconv.Itoa(b.d)
	case b.d == 1:
		return fmt.Sprintf("%dx%d", b.h, b.w)
	default:
		return fmt.Sprintf("%dx%dx%d", b.d, b.h, b.w)
	}
}

// MarshalText implements encoding.TextMarshaler: the text of [Block.String], ""
// for the zero Block, or an error if only some sizes are 1 or more.
func (b Block) MarshalText() ([]byte, error) {
	if b == (Block{}) {
		return []byte{}, nil
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	return []byte(b.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (b *Block) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = Block{}
		return nil
	}
	var c Block
	switch sizes, _ := parseSizes(string(text)); len(sizes) {
	case 1:
		c = Square(sizes[0])
	case 2:
		c = Rect(sizes[0], sizes[1])
	case 3:
		c = cuboid(sizes[0], sizes[1], sizes[2])
	}
	if c.check() != nil {
		return fmt.Errorf("dropblock: Block is %q, want a size, 7, or rows and columns, 7x5, or three sizes, 3x7x5, of 1 or more", text)
	}
	*b = c
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler, for encoding/gob, with the text.
func (b Block) MarshalBinary() ([]byte, error) { return b.MarshalText() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Block) UnmarshalBinary(data []byte) error { return b.UnmarshalText(data) }

// on returns the block clipped to a map.
func (b Block) on(s Shape) Block {
	return cuboid(min(b.d, s.D()), min(b.h, s.H()), min(b.w, s.W()))
}

func (b Block) check() error {
	if min(b.d, b.h, b.w) < 1 {
		return fmt.Errorf("Block is %v, want sizes of 1 or more", b)
	}
	return nil
}
