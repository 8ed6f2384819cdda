// Package npy reads the .npy files that tests compare with: what numpy.save
// writes for arrays of bool, uint8, float32 and float64 in C order.
package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Element is an element type. A bool is read as uint8, 0 or 1.
type Element interface{ uint8 | float32 | float64 }

var (
	magic  = []byte("\x93NUMPY")
	header = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n?$`)
)

// ReadFile reads the array in the file with the given name.
func ReadFile[E Element](name string) (shape []int, data []E, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	shape, data, err = Read[E](f)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return shape, data, err
}

// Read reads the array that r holds and nothing behind it.
func Read[E Element](r io.Reader) (shape []int, data []E, err error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	descr, shape, raw, err := parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("npy: %w", err)
	}
	if want := descriptors[E](); !slices.Contains(want, descr) {
		return nil, nil, fmt.Errorf("npy: element type %q, want one of %q", descr, want)
	}
	n, room := 1, len(raw)/binary.Size(E(0))
	for _, extent := range shape {
		// Above the room a product only has to stay above it.
		if extent > 0 && n > room/extent {
			n = room + 1
		} else {
			n *= extent
		}
	}
	if n != room || len(raw)%binary.Size(E(0)) != 0 {
		return nil, nil, fmt.Errorf("npy: %d bytes of data do not fit shape %v of %q", len(raw), shape, descr)
	}
	data = make([]E, n)
	_, err = binary.Decode(raw, binary.LittleEndian, data)
	return shape, data, err
}

func descriptors[E Element]() []string {
	switch any(E(0)).(type) {
	case uint8:
		return []string{"|u1", "|b1"}
	case float32:
		return []string{"<f4"}
	default:
		return []string{"<f8"}
	}
}

// parse splits a file into what its header says and its data.
func parse(raw []byte) (descr string, shape []int, data []byte, err error) {
	rest, ok := bytes.CutPrefix(raw, magic)
	if !ok || len(rest) < 4 {
		return "", nil, nil, errors.New("not a .npy file")
	}
	version, rest := rest[0], rest[2:]
	var size uint64
	switch version {
	case 1:
		size, rest = uint64(binary.LittleEndian.Uint16(rest)), rest[2:]
	case 2, 3:
		if len(rest) < 4 {
			return "", nil, nil, errors.New("the header is cut off")
		}
		size, rest = uint64(binary.LittleEndian.Uint32(rest)), rest[4:]
	default:
		return "", nil, nil, fmt.Errorf("format version %d, want 1 to 3", version)
	}
	if size > uint64(len(rest)) {
		return "", nil, nil, errors.New("the header is cut off")
	}
	m := header.FindSubmatch(rest[:size])
	if m == nil {
		return "", nil, nil, fmt.Errorf("header %q, want the keys descr, fortran_order and shape", rest[:size])
	}
	if string(m[2]) == "True" {
		return "", nil, nil, errors.New("the array is in Fortran order, want C order")
	}
	for field := range strings.SplitSeq(string(m[3]), ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		extent, err := strconv.Atoi(field)
		if err != nil {
			return "", nil, nil, fmt.Errorf("shape (%s): %w", m[3], err)
		}
		shape = append(shape, extent)
	}
	return string(m[1]), shape, rest[size:], nil
}
