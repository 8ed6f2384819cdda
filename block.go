package dropblock

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Block is the size of a block in cells of the feature map, one number an axis, or a
// fraction of the map. Blocks are compared with ==. The zero Block has no cells, and
// [New] refuses it.
type Block struct {
	d, h, w  int
	fraction float64 // of every axis, instead of the sizes, unless it is 0
}

// Square returns a block of b cells on every axis that the map has.
func Square(b int) Block { return Cuboid(b, b, b) }

// Rect returns a block of h rows and w columns, of depth 1.
func Rect(h, w int) Block { return Cuboid(1, h, w) }

// Cuboid returns a block of d planes, h rows and w columns.
func Cuboid(d, h, w int) Block { return Block{d: d, h: h, w: w} }

// Fraction returns a block whose size on each axis is the fraction f of the map's extent,
// f in (0, 1]: max(1, [math.Round](f·extent)). Fraction(1) is the whole map.
func Fraction(f float64) Block { return Block{fraction: f} }

// Size returns the block's depth, rows and columns: b, b and b for [Square](b), and zeros
// for a [Fraction]. On an axis that a map lacks the size is 1 (see [Layer.BlockOn]).
func (b Block) Size() (d, h, w int) { return b.d, b.h, b.w }

// String returns the sizes: "7" for [Square](7), "7x7" for [Rect](7, 7), and
// "3x7x7" for a block of depth 3; or the fraction, with a point: "0.5", "1.0".
func (b Block) String() string {
	switch {
	case b.fraction != 0:
		text := strconv.FormatFloat(b.fraction, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
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
	if strings.Trim(string(text), "0123456789") == "." {
		c.fraction, _ = strconv.ParseFloat(string(text), 64)
	}
	switch sizes, _ := parseSizes(string(text)); len(sizes) {
	case 1:
		c = Square(sizes[0])
	case 2:
		c = Rect(sizes[0], sizes[1])
	case 3:
		c = Cuboid(sizes[0], sizes[1], sizes[2])
	}
	if c.check() != nil {
		return fmt.Errorf("dropblock: Block is %q, want a size, 7, or rows and columns, 7x5, or three sizes, 3x7x5, of 1 or more, or a fraction of the map, with a point, 0.5, of 1.0 at most", text)
	}
	*b = c
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler, for encoding/gob, with the text.
func (b Block) MarshalBinary() ([]byte, error) { return b.MarshalText() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Block) UnmarshalBinary(data []byte) error { return b.UnmarshalText(data) }

// Clip says what becomes of a block that is larger than the map.
type Clip uint8

const (
	// ClipAxes cuts each of the block's sizes to the extent of its axis (timm,
	// tensorflow/tpu).
	ClipAxes Clip = iota
	// ClipSquare cuts all of the block's sizes to the smallest extent of the axes that
	// the layout names (torchvision).
	ClipSquare
	// ClipNone keeps the block's size: a block larger than the map drops as much of it
	// as it covers (miguelvr/dropblock). It needs RegionFull.
	ClipNone
)

var clipOptions = options{"Clip", []string{"axes", "square", "none"}}

// String returns the name of the constant.
func (c Clip) String() string { return clipOptions.name(uint8(c)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (c Clip) MarshalText() ([]byte, error) { return clipOptions.text(uint8(c)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (c *Clip) UnmarshalText(text []byte) error { return parseOption(&clipOptions, c, text) }

// on returns the block in cells of a map, cut as clip says.
func (b Block) on(s Shape, clip Clip) Block {
	extents := [axes]int{s.W(), s.H(), s.D()}
	smallest := extents[0]
	for _, extent := range extents[:s.layout.axes()] {
		smallest = min(smallest, extent)
	}
	cells := [axes]int{1, 1, 1}
	for i, extent := range extents[:s.layout.axes()] {
		cells[i] = [axes]int{b.w, b.h, b.d}[i]
		if b.fraction != 0 {
			cells[i] = max(int(math.Round(b.fraction*float64(extent))), 1)
		}
		switch clip {
		case ClipAxes:
			cells[i] = min(cells[i], extent)
		case ClipSquare:
			cells[i] = min(cells[i], smallest)
		}
	}
	return Cuboid(cells[2], cells[1], cells[0])
}

func (b Block) check() error {
	switch {
	case b.fraction != 0: // NaN too
		if !(b.fraction > 0 && b.fraction <= 1) {
			return fmt.Errorf("Block is the fraction %v, want more than 0 and at most 1", b.fraction)
		}
	case min(b.d, b.h, b.w) < 1:
		return fmt.Errorf("Block is %v, want sizes of 1 or more", b)
	}
	return nil
}
