package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Header describes an array.
type Header struct {
	Dtype                  // without a name if this package does not read it
	Order binary.ByteOrder // of the bytes of an element in the file
	Shape []int            // the extents; none for a scalar

	descr   string // the dtype as in the file
	fortran bool   // the first index runs fastest
}

// Type names the dtype for an error: "int32 (<i4)", or as in the file alone.
func (h *Header) Type() string {
	if h.Name == "" {
		return h.descr
	}
	return fmt.Sprintf("%s (%s)", h.Name, h.descr)
}

const (
	magic = "\x93NUMPY"
	// maxHeader is the longest header that version 1 has. NumPy trusts none of more than
	// 10,000 bytes.
	maxHeader = math.MaxUint16
	maxAxes   = 64 // of NumPy 2
)

var errTruncated = errors.New("is truncated in its header")

// readHeader reads what precedes the elements, and tells how many bytes it was. size is
// the length of the file, or negative.
func readHeader(r io.Reader, size int64) (h Header, n int64, err error) {
	read := func(want int, short error) []byte {
		if err != nil {
			return nil
		}
		b := make([]byte, want)
		n += int64(want)
		if _, err = io.ReadFull(r, b); err == io.EOF || err == io.ErrUnexpectedEOF {
			err = short
		}
		return b
	}
	noFile := errors.New("is not a .npy file")
	start := read(len(magic)+4, noFile)
	if err == nil && string(start[:len(magic)]) != magic {
		err = noFile
	}
	if err != nil {
		return h, n, err
	}
	major, minor, length := start[6], start[7], start[8:]
	if major < 1 || major > 3 || minor != 0 {
		return h, n, fmt.Errorf("has version %d.%d of the .npy format; want 1.0, 2.0 or 3.0", major, minor)
	}
	if major > 1 {
		length = append(length, read(2, errTruncated)...)
	}
	length = append(length, 0, 0)
	long := int64(binary.LittleEndian.Uint32(length))
	switch {
	case err != nil:
		return h, n, err
	case size >= 0 && long > size-n:
		return h, n, errTruncated
	case long > maxHeader:
		return h, n, fmt.Errorf("has a header of %d bytes; want at most %d", long, maxHeader)
	}
	text := read(int(long), errTruncated)
	if err != nil {
		return h, n, err
	}
	h, err = parseHeader(string(text), major < 3)
	return h, n, err
}

const space = " \t\r\n\f"

var (
	// token is a piece of a header: of Python's literals, those that describe a plain array.
	token = regexp.MustCompile(`^[` + space + `]*('[^'\\\r\n]*'|"[^"\\\r\n]*"|(?:0|[1-9]\d*)L?|True\b|False\b|[{}():,])`)
	// typeString is a descr that is no record.
	typeString = regexp.MustCompile(`^['"][<>|=]?[A-Za-z?][^{}'"]*['"]$`)
)

// parseHeader reads a dictionary as NumPy does: keys in any order, spaces anywhere,
// either quotation mark. python2 permits its long integers, 2L.
func parseHeader(text string, python2 bool) (h Header, err error) {
	rest, tok := text, ""
	next := func() string {
		m := token.FindStringSubmatch(rest)
		if m == nil {
			tok = ""
			return tok
		}
		rest, tok = rest[len(m[0]):], m[1]
		return tok
	}
	malformed := fmt.Errorf("has a header other than NumPy writes for a plain array: %.80q", text)
	if next() != "{" {
		return h, malformed
	}
	seen := map[string]bool{}
	for next() != "}" {
		key := tok
		if !isString(key) || next() != ":" {
			return h, malformed
		}
		key = key[1 : len(key)-1]
		seen[key] = true
		switch next(); {
		case key == "descr" && typeString.MatchString(tok):
			h.describe(tok[1 : len(tok)-1])
		case key == "fortran_order" && (tok == "True" || tok == "False"):
			h.fortran = tok == "True"
		case key == "shape" && tok == "(":
			h.Shape = nil
			for next() != ")" {
				digits, long := strings.CutSuffix(tok, "L")
				if digits == "" || strings.Trim(digits, "0123456789") != "" || long && !python2 {
					return h, malformed
				}
				extent, err := strconv.Atoi(digits)
				if err != nil {
					return h, fmt.Errorf("has a header with extents that are too large: %w", err)
				}
				if h.Shape = append(h.Shape, extent); len(h.Shape) > maxAxes {
					return h, fmt.Errorf("has a header with more than %d dimensions", maxAxes)
				}
				if next(); tok == ")" && len(h.Shape) > 1 { // (2) is a number
					break
				} else if tok != "," {
					return h, malformed
				}
			}
		default:
			return h, malformed
		}
		if next(); tok == "}" {
			break
		} else if tok != "," {
			return h, malformed
		}
	}
	if len(seen) != 3 || strings.Trim(rest, space) != "" {
		return h, malformed
	}
	return h, nil
}

func isString(tok string) bool { return tok != "" && (tok[0] == '\'' || tok[0] == '"') }

// count is the number of elements, if it fits.
func count(shape []int) (n uint64, ok bool) {
	if slices.Contains(shape, 0) {
		return 0, true
	}
	n = 1
	for _, extent := range shape {
		over, product := bits.Mul64(n, uint64(extent))
		if over != 0 {
			return 0, false
		}
		n = product
	}
	return n, true
}
