package dropblock

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Layout is the order of a feature map's axes in memory, the outermost first.
type Layout uint8

const (
	// LayoutNCHW is a map stored sample by sample, channel by channel, row by row
	// (PyTorch, Caffe).
	LayoutNCHW Layout = iota
	// LayoutNHWC is a map stored sample by sample, row by row, the channels of a cell
	// side by side (TensorFlow, JAX, PyTorch's channels_last).
	LayoutNHWC
	// LayoutNCW and LayoutNWC are sequences, maps of one row.
	LayoutNCW
	LayoutNWC
	// LayoutNCDHW and LayoutNDHWC are volumes: D planes of H rows of W cells.
	LayoutNCDHW
	LayoutNDHWC
)

// layoutOptions are the names of the layouts: the letters of the axes in memory order.
var layoutOptions = options{"Layout", []string{"NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"}}

// String returns the name of the constant.
func (l Layout) String() string { return layoutOptions.name(uint8(l)) }

// MarshalText implements encoding.TextMarshaler: it returns the name, or an error if
// there is none.
func (l Layout) MarshalText() ([]byte, error) { return layoutOptions.text(uint8(l)) }

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (l *Layout) UnmarshalText(text []byte) error { return parseOption(&layoutOptions, l, text) }

// axes is the most axes along which blocks extend.
const axes = 3

// channelsLast reports whether the channels of a cell lie side by side.
func (l Layout) channelsLast() bool { return l%2 != 0 }

// axes is the number of axes along which blocks extend.
func (l Layout) axes() int {
	switch l {
	case LayoutNCW, LayoutNWC:
		return 1
	case LayoutNCDHW, LayoutNDHWC:
		return 3
	}
	return 2
}

// Shape is the layout and the extents of a feature map: N samples of C channels, each a
// volume of D planes of H rows of W elements. A layout may lack D, or D and H. Shapes are
// compared with ==. A shape with an extent of 0 is valid and has no elements; the zero Shape
// is NCHW(0, 0, 0, 0).
type Shape struct {
	layout        Layout
	n, c, d, h, w int // 0 for an axis that the layout lacks
}

// maxSample bounds the elements of one sample, so that kernels can number them
// with 32 bits.
const maxSample = 1<<31 - 1

// NCHW returns the shape of a feature map stored sample by sample, channel by
// channel, row by row.
func NCHW(n, c, h, w int) Shape { return Shape{LayoutNCHW, n, c, 0, h, w} }

// NHWC returns the shape of a feature map whose channels are stored last.
func NHWC(n, h, w, c int) Shape { return Shape{LayoutNHWC, n, c, 0, h, w} }

// NCW returns the shape of sequences of w elements.
func NCW(n, c, w int) Shape { return Shape{LayoutNCW, n, c, 0, 0, w} }

// NWC returns the shape of sequences of w cells whose channels are stored last.
func NWC(n, w, c int) Shape { return Shape{LayoutNWC, n, c, 0, 0, w} }

// NCDHW returns the shape of volumes of d planes of h rows of w elements.
func NCDHW(n, c, d, h, w int) Shape { return Shape{LayoutNCDHW, n, c, d, h, w} }

// NDHWC returns the shape of volumes whose channels are stored last.
func NDHWC(n, d, h, w, c int) Shape { return Shape{LayoutNDHWC, n, c, d, h, w} }

// Layout returns the order of the axes.
func (s Shape) Layout() Layout { return s.layout }

// N returns the number of samples.
func (s Shape) N() int { return s.n }

// C returns the number of channels of a sample.
func (s Shape) C() int { return s.c }

// D returns the depth, the number of planes of a channel: 1 in a layout
// without that axis.
func (s Shape) D() int {
	if s.layout < LayoutNCDHW {
		return 1
	}
	return s.d
}

// H returns the number of rows of a plane: 1 in a layout without that axis.
func (s Shape) H() int {
	if s.layout == LayoutNCW || s.layout == LayoutNWC {
		return 1
	}
	return s.h
}

// W returns the number of elements of a row.
func (s Shape) W() int { return s.w }

// extent returns the field of the axis that a letter of a layout names.
func (s *Shape) extent(axis rune) *int {
	switch axis {
	case 'N':
		return &s.n
	case 'C':
		return &s.c
	case 'D':
		return &s.d
	case 'H':
		return &s.h
	default:
		return &s.w
	}
}

// same is == with loads as wide as the stores before: the wider ones of == would miss
// store forwarding.
func (s *Shape) same(t *Shape) bool {
	return s.w == t.w && s.h == t.h && s.d == t.d && s.c == t.c && s.n == t.n && s.layout == t.layout
}

// Len returns the number of elements. It is meaningful only for a shape that
// passes [Shape.Check].
func (s Shape) Len() int { return s.n * s.c * s.D() * s.H() * s.w }

// String returns the layout and the extents in memory order, such as
// "NCHW 32x256x14x14".
func (s Shape) String() string {
	axes := s.layout.String()
	b := []byte(axes)
	for i, axis := range axes {
		b = append(b, " x"[min(i, 1)])
		b = strconv.AppendInt(b, int64(*s.extent(axis)), 10)
	}
	return string(b)
}

// MarshalText implements encoding.TextMarshaler: it returns the text of
// [Shape.String], or the error of [Shape.Check].
func (s Shape) MarshalText() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (s *Shape) UnmarshalText(text []byte) error {
	name, extents, _ := strings.Cut(string(text), " ")
	var t Shape
	sizes, err := parseSizes(extents)
	if err != nil || t.layout.UnmarshalText([]byte(name)) != nil || len(sizes) != len(name) {
		return fmt.Errorf("dropblock: Shape is %q, want a layout and its extents, such as NCHW 32x256x14x14", text)
	}
	for i, axis := range name {
		*t.extent(axis) = sizes[i]
	}
	if err := t.Check(); err != nil {
		return err
	}
	*s = t
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler, for encoding/gob, with the text.
func (s Shape) MarshalBinary() ([]byte, error) { return s.MarshalText() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Shape) UnmarshalBinary(data []byte) error { return s.UnmarshalText(data) }

// Check returns an error if an extent is negative, if a sample has more than
// 2³¹−1 elements, or if the number of elements overflows an int.
func (s Shape) Check() error {
	empty := false
	for _, axis := range s.layout.String() {
		extent := *s.extent(axis)
		if extent < 0 {
			return fmt.Errorf("dropblock: shape %v: %c is %d, want 0 or more", s, axis, extent)
		}
		empty = empty || extent == 0
	}
	if empty {
		return nil
	}
	sample, ok := product(s.c, s.D(), s.H(), s.w)
	if !ok || sample > maxSample {
		return fmt.Errorf("dropblock: shape %v: a sample has too many elements, want %d at most", s, maxSample)
	}
	if _, ok := product(s.n, sample); !ok {
		return fmt.Errorf("dropblock: shape %v: the number of elements overflows an int", s)
	}
	return nil
}

// product multiplies positive ints and reports whether the result is an int.
func product(factors ...int) (int, bool) {
	p := uint64(1)
	for _, f := range factors {
		hi, lo := bits.Mul64(p, uint64(f))
		if hi != 0 || int(lo) < 0 || uint64(int(lo)) != lo {
			return 0, false
		}
		p = lo
	}
	return int(p), true
}

func (s Shape) mustCheck() {
	if err := s.Check(); err != nil {
		panic(err.Error())
	}
}
