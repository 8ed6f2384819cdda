package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// file is what numpy.save writes, or for another version could.
func file(version byte, header string, data ...byte) []byte {
	b := append([]byte("\x93NUMPY"), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func dict(descr, shape string) string {
	return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }     \n"
}

// parse reads a file as a regular file and as a pipe, which have to agree.
func parse(t *testing.T, file []byte, check func(*Header) error) (*Array, error) {
	t.Helper()
	a, err := Read(bytes.NewReader(file), int64(len(file)), check)
	b, pipeErr := Read(iotest.HalfReader(bytes.NewReader(file)), -1, check)
	require.Equal(t, err == nil, pipeErr == nil, "%v, %v", err, pipeErr)
	if err == nil {
		require.Equal(t, a.Header, b.Header)
		require.True(t, bytes.Equal(a.Elems, b.Elems))
	} else {
		require.Nil(t, b)
	}
	return a, err
}

func TestParse(t *testing.T) {
	for version := byte(1); version <= 3; version++ {
		a, err := parse(t, file(version, dict("|u1", "(2, 3)"), 1, 2, 3, 4, 5, 6), nil)
		require.NoError(t, err)
		require.Equal(t, []int{2, 3}, a.Shape)
		require.Equal(t, []byte{1, 2, 3, 4, 5, 6}, values[uint8](t, a))
	}
	for _, c := range []struct {
		descr, shape string
		data         []byte
		dims         []int
		want         float64
	}{
		{"<f4", "(1,)", []byte{0, 0, 0xc0, 0xbf}, []int{1}, -1.5},
		{">f4", "(1, 1)", []byte{0xbf, 0xc0, 0, 0}, []int{1, 1}, -1.5},
		{"<f8", "()", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, nil, -1.5},
		{">f8", "(1, 1, 1)", []byte{0xbf, 0xf8, 0, 0, 0, 0, 0, 0}, []int{1, 1, 1}, -1.5},
	} {
		a, err := parse(t, file(1, dict(c.descr, c.shape), c.data...), nil)
		require.NoError(t, err)
		require.Equal(t, c.dims, a.Shape)
		if a.Dtype.Name == "float32" {
			require.Equal(t, []float32{float32(c.want)}, values[float32](t, a))
		} else {
			require.Equal(t, []float64{c.want}, values[float64](t, a))
		}
	}

	a, err := parse(t, file(1, dict("|b1", "(2,)"), 0, 1), nil)
	require.NoError(t, err)
	require.Equal(t, []uint8{0, 1}, values[uint8](t, a))

	a, err = parse(t, file(1, dict("<f8", "(3, 0, 2147483647, 2147483647, 2147483647)")), nil)
	require.NoError(t, err)
	require.Empty(t, values[float64](t, a))
}

func values[E Element](t *testing.T, a *Array) []E {
	t.Helper()
	data, err := Values[E](a)
	require.NoError(t, err)
	return data
}

// Headers that NumPy reads, though it does not write them so.
func TestHeaders(t *testing.T) {
	native := "<"
	if nativeOrder == binary.BigEndian {
		native = ">"
	}
	for _, c := range []struct {
		version byte
		header  string
		descr   string // as NumPy would write it; "" if it does not read this
	}{
		{1, `{"shape": (2, 1), "fortran_order": False, "descr": ">f2"}`, ">f2"},
		{1, "{ 'shape':(2,1,) ,\n'fortran_order' :True,'descr':'<f2' , } \n\n", "<f2"},
		{2, "{'descr': '=f2', 'fortran_order': False, 'shape': (2, 1)}\n", native + "f2"},
		{3, "{'descr': 'float16', 'fortran_order': False, 'shape': (2, 1)}\n", native + "f2"},
		{3, "{'descr': '|e', 'fortran_order': False, 'shape': (2, 1)}\n", native + "f2"},
		{1, "{'descr': '<h', 'fortran_order': False, 'shape': (2L, 1L)}\n", "<i2"},
		{1, "{'descr': '<i4', 'descr': '<i2', 'fortran_order': False, 'shape': (7,), 'shape': (2, 1)}", "<i2"},
		{3, "{'descr': '<h', 'fortran_order': False, 'shape': (2L, 1L)}\n", ""},
		{1, "{'descr': '<i2', 'fortran_order': 0, 'shape': (2, 1)}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (02, 1)}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2)}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': 2}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': [2, 1]}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, -1)}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2 1)}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1), 'more': 1}", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1)} 1", ""},
		{1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1)", ""},
		{1, "{'descr': '<i2' 'fortran_order': False, 'shape': (2, 1)}", ""},
		{1, "{'fortran_order': False, 'shape': (2, 1)}", ""},
		{1, "{'descr': '', 'fortran_order': False, 'shape': (2, 1)}", ""},
	} {
		a, err := parse(t, file(c.version, c.header, 1, 2, 3, 4), nil)
		if c.descr == "" {
			require.ErrorContains(t, err, "has a header other than NumPy writes for a plain array: ", c.header)
			continue
		}
		require.NoError(t, err, c.header)
		require.Equal(t, []int{2, 1}, a.Shape)
		var b bytes.Buffer
		require.NoError(t, a.Write(&b, a.Elems))
		require.Contains(t, b.String(), "{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (2, 1), }")
		require.Equal(t, []byte{1, 2, 3, 4}, b.Bytes()[128:])
	}
	_, err := parse(t, file(1, dict("|u1", "("+strings.Repeat("1, ", 64)+"1)"), 1), nil)
	require.ErrorContains(t, err, "has a header with more than 64 dimensions")
	_, err = parse(t, file(2, dict("|u1", "(1,)")+strings.Repeat(" ", 1<<16), 1), nil)
	require.ErrorContains(t, err, "bytes; want at most 65535")
}

func TestBFloat16(t *testing.T) {
	for descr, c := range map[string]struct {
		written string
		one     []byte
	}{
		"<V2": {"<V2", []byte{0x80, 0x3F}}, "|V2": {"|V2", []byte{0x80, 0x3F}}, "V2": {"|V2", []byte{0x80, 0x3F}},
		">V2": {">V2", []byte{0x3F, 0x80}}, "<u2": {"<u2", []byte{0x80, 0x3F}}, ">u2": {">u2", []byte{0x3F, 0x80}},
	} {
		f := file(1, dict(descr, "(1, 1)"), c.one...)
		a, err := parse(t, f, func(h *Header) error {
			require.True(t, h.AsBFloat16())
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, "bfloat16", a.Name)
		require.Equal(t, []uint16{0x3F80}, View[uint16](a.Elems), descr)
		words, err := a.Bits()
		require.NoError(t, err)
		require.Equal(t, []uint64{1}, words)
		var b bytes.Buffer
		require.NoError(t, a.Write(&b, a.Elems))
		require.Contains(t, b.String(), "{'descr': '"+c.written+"'")
		require.Equal(t, c.one, b.Bytes()[128:])
	}
	for _, descr := range []string{"<f2", "<i2", "<V4", "|u1", "|V1"} {
		_, _ = parse(t, file(1, dict(descr, "(0,)")), func(h *Header) error {
			require.False(t, h.AsBFloat16(), descr)
			return nil
		})
	}
	_, err := parse(t, file(1, dict("<V2", "(1,)"), 0, 0), nil)
	require.ErrorContains(t, err, "has dtype <V2; want ")
}

// Pieces of any length, and memory that grows as they arrive.
func TestPipe(t *testing.T) {
	const n = 3*minRoom/8 + 5
	long := make([]float64, n)
	for i := range long {
		long[i] = float64(i) / 3
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		var b bytes.Buffer
		require.NoError(t, Write(&b, order, []int{n}, long))
		a, err := parse(t, b.Bytes(), nil)
		require.NoError(t, err)
		require.True(t, slices.Equal(long, values[float64](t, a)))
		_, err = Read(iotest.DataErrReader(bytes.NewReader(b.Bytes()[:b.Len()-9])), -1, nil)
		require.EqualError(t, err, "has 3145759 bytes of elements; want 393221 times 8 for the shape 393221 of float64")
		_, err = Read(io.MultiReader(&b, strings.NewReader("more")), -1, nil)
		require.EqualError(t, err, "has more than 3145768 bytes of elements; want 393221 times 8 for the shape 393221 of float64")
	}
	broken := errors.New("broken")
	good := file(1, dict("|u1", "(2, 3)"), 1, 2, 3, 4, 5, 6)
	for n := range good {
		_, err := Read(io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(broken)), -1, nil)
		require.ErrorIs(t, err, broken)
	}
}

func TestFortran(t *testing.T) {
	fortran := strings.Replace(dict(">u2", "(2, 3, 1)"), "False", "True", 1)
	a, err := parse(t, file(1, fortran, 0, 1, 1, 1, 0, 2, 1, 2, 0, 3, 1, 3), nil)
	require.NoError(t, err)
	require.Equal(t, []uint16{1, 2, 3, 0x101, 0x102, 0x103}, View[uint16](a.Elems))
	_, err = parse(t, file(1, strings.Replace(fortran, "(2, 3, 1)", "(9223372036854775807, 3, 0)", 1)), nil)
	if math.MaxInt > math.MaxInt32 {
		require.NoError(t, err)
	} else {
		require.ErrorContains(t, err, "extents that are too large")
	}
}

// Arrays that are read box by box: every element is where its indices say.
func TestFortranBoxes(t *testing.T) {
	for _, shape := range [][]int{
		{3, 70, 41, 40}, {boxBytes/4 + 3, 2}, {boxBytes/8 + 7, 2, 3}, {2, boxBytes / 4}, {1, 5, 1, 150, 401, 1}, {7, 11, 13, 5, 3, 29}, {boxBytes / 16, 1, 5},
	} {
		n, ok := count(shape)
		require.True(t, ok)
		var b bytes.Buffer
		h := Header{Dtype: dtypes[7], Order: binary.BigEndian, Shape: shape}
		data := make([]uint32, n) // The file has the numbers of its elements.
		for i := range data {
			data[i] = uint32(i)
		}
		require.NoError(t, h.Write(&b, unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*n)))
		f := bytes.Replace(b.Bytes(), []byte("False"), []byte("True "), 1)
		a, err := parse(t, f, nil)
		require.NoError(t, err)
		got := View[uint32](a.Elems)
		for i := 0; i < int(n); i += 1 + i%61 {
			want, stride := 0, 1
			for axis, at := range a.index(i) {
				want += at * stride
				stride *= shape[axis]
			}
			if int(got[i]) != want {
				t.Fatalf("%v: element %d is %d, want %d", shape, i, got[i], want)
			}
		}
		_, err = Read(bytes.NewReader(f[:len(f)-3]), -1, nil)
		require.ErrorContains(t, err, "bytes of elements; want")
	}
}

// Bits of every dtype, in both orders of bytes.
func TestBits(t *testing.T) {
	for _, d := range dtypes {
		for mark, order := range map[string]binary.AppendByteOrder{"<": binary.LittleEndian, ">": binary.BigEndian} {
			elements := func(values ...uint64) (elems []byte) {
				for _, v := range values {
					wide := order.AppendUint64(nil, v<<(64-8*d.size))
					if mark == "<" {
						wide = wide[8-d.size:]
					}
					elems = append(elems, wide[:d.size]...)
				}
				return elems
			}
			values := make([]uint64, 70)
			values[1], values[2], values[69] = d.one, d.sign, d.one
			header := dict(mark+d.code, "(7, 10)")
			a, err := parse(t, file(1, header, elements(values...)...), nil)
			require.NoError(t, err)
			words, err := a.Bits()
			require.NoError(t, err)
			require.Equal(t, []uint64{1 << 1, 1 << 5}, words, header)

			values[69] = d.one + 1
			a, err = parse(t, file(1, header, elements(values...)...), nil)
			require.NoError(t, err)
			_, err = a.Bits()
			require.EqualError(t, err, "has a value other than 0 and 1 at (6, 9)", header)
		}
	}
}

func TestParseErrors(t *testing.T) {
	good := file(1, dict("|u1", "(2, 3)"), 1, 2, 3, 4, 5, 6)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "is not a .npy file"},
		"magic":         {append([]byte("X"), good...), "is not a .npy file"},
		"magic alone":   {good[:8], "is not a .npy file"},
		"version":       {file(4, dict("|u1", "(1,)"), 1), "has version 4.0 of the .npy format; want 1.0, 2.0 or 3.0"},
		"cut size":      {file(2, "")[:11], "is truncated in its header"},
		"cut header":    {good[:20], "is truncated in its header"},
		"header":        {file(1, "{'shape': (1,), }\n", 1), "has a header other than NumPy writes"},
		"tuple":         {file(1, dict("|u1", "(1)"), 1), "has a header other than NumPy writes"},
		"record":        {file(1, "{'descr': [('a', '<u1')], 'fortran_order': False, 'shape': (1,), }\n", 1), "has a header other than NumPy writes"},
		"extent":        {file(1, dict("|u1", "(99999999999999999999,)"), 1), "has a header with extents that are too large"},
		"complex":       {file(1, dict("<c8", "(1,)"), 1, 0, 0, 0, 0, 0, 0, 0), "has dtype <c8; want bool, an integer, or a float of 16, 32 or 64 bits"},
		"long double":   {file(1, dict("<f16", "(0,)")), "has dtype <f16; want"},
		"short":         {good[:len(good)-1], "has 5 bytes of elements; want 6 times 1 for the shape 2x3 of uint8"},
		"long":          {append(bytes.Clone(good), 0), "has 7 bytes of elements; want 6 times 1"},
		"part":          {file(1, dict("<f4", "(1,)"), 1, 2, 3, 4, 5), "has 5 bytes of elements; want 1 times 4 for the shape 1 of float32"},
		"scalar":        {file(1, dict("<f4", "()")), "has 0 bytes of elements; want 1 times 4 for the shape () of float32"},
		"product":       {file(1, dict("|u1", "(2147483647, 2147483647, 2147483647, 2)"), 1), "want more than 2⁶⁴ times 1"},
		"product of 2s": {file(1, dict("|u1", "(65536, 65536, 65536, 65536)")), "want more than 2⁶⁴ times 1"},
		"bytes":         {file(1, dict("<f8", "(1073741824, 1073741824, 2)")), "want 2305843009213693952 times 8"}, // 2⁶⁴ bytes
	} {
		t.Run(name, func(t *testing.T) {
			a, err := parse(t, c.file, nil)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, a)
		})
	}
	a, err := parse(t, good, nil)
	require.NoError(t, err)
	_, err = Values[float32](a)
	require.EqualError(t, err, "has dtype uint8 (|u1); want float32")
}

// A header that promises 2⁶⁰ elements costs no more than the file is long.
func TestPromise(t *testing.T) {
	for _, order := range []string{"False", "True"} {
		lie := strings.Replace(dict("<f8", "(1073741824, 1073741824)"), "False", order, 1)
		lie += strings.Repeat(" ", 200-10-len(lie)-1) + "\n"
		short := file(1, strings.Replace(lie, "\n", " ", 1))
		require.Len(t, short, 200)
		var before, after runtime.MemStats
		for _, size := range []int64{200, -1} {
			runtime.ReadMemStats(&before)
			_, err := Read(bytes.NewReader(short), size, nil)
			runtime.ReadMemStats(&after)
			require.EqualError(t, err, "has 0 bytes of elements; want 1152921504606846976 times 8 for the shape 1073741824x1073741824 of float64")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3<<20))
		}
	}
}

// What is written is what NumPy writes, and is read again.
func TestWrite(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, binary.BigEndian, []int{2}, []float32{1, -1.5}))
	// numpy.save of numpy.array([1, -1.5], '>f4').
	require.Equal(t, "\x93NUMPY\x01\x00v\x00{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }"+
		strings.Repeat(" ", 60)+"\n\x3f\x80\x00\x00\xbf\xc0\x00\x00", b.String())
	long := make([]float64, 3*(chunkBytes/8+1))
	for i := range long {
		long[i] = float64(i) / 3
	}
	rewrite(t, "<f8", []int{3, chunkBytes/8 + 1}, long)
	rewrite(t, "<f8", nil, []float64{math.Pi})
	rewrite(t, "|u1", []int{1, 3}, []uint8{0, 255, 7})
	rewrite(t, "<f4", []int{0, 5}, []float32{})

	for _, n := range []int{0, 1, 63, 64, 65, 130} {
		words := []uint64{0x8000000000000001, 3, 2}
		b.Reset()
		require.NoError(t, WriteBits(&b, []int{1, n}, words))
		a, err := parse(t, b.Bytes(), nil)
		require.NoError(t, err)
		require.Equal(t, "uint8 (|u1)", a.Type())
		require.Equal(t, []int{1, n}, a.Shape)
		for i, v := range a.Elems {
			require.Equal(t, words[i/64]>>(i%64)&1, uint64(v))
		}
	}
}

func rewrite[E Element](t *testing.T, descr string, shape []int, data []E) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, binary.LittleEndian, shape, data))
	a, err := parse(t, b.Bytes(), nil)
	require.NoError(t, err)
	require.Equal(t, descr, a.descr)
	require.Equal(t, shape, a.Shape)
	require.Equal(t, data, values[E](t, a))
	require.Zero(t, (b.Len()-len(a.Elems))%64)
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.npy")
	require.NoError(t, os.WriteFile(name, file(1, dict("<c8", "(1,)"), 7), 0o666))
	_, err := ReadFile(name, nil)
	require.ErrorContains(t, err, name+": has dtype <c8; want")
	refused := errors.New("is refused")
	_, err = ReadFile(name, func(h *Header) error {
		require.Empty(t, h.Dtype.Name)
		require.Equal(t, "<c8", h.Type())
		require.Equal(t, []int{1}, h.Shape)
		return refused
	})
	require.EqualError(t, err, name+": is refused")
	require.ErrorIs(t, err, refused)
	_, err = ReadFile(name+"x", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Whatever a header is, what is read of it is what is written.
func FuzzHeader(f *testing.F) {
	for _, header := range []string{
		dict("<f4", "(2, 3)"), dict("|V2", "()"), `{"shape":(3L,),'descr':'?',"fortran_order":True}`,
		"{'descr': [('a', '<u1')], 'fortran_order': False, 'shape': (1,), }\n", "{}",
	} {
		f.Add(header, true)
	}
	f.Fuzz(func(t *testing.T, header string, python2 bool) {
		h, err := parseHeader(header, python2)
		if err != nil {
			return
		}
		require.NotEmpty(t, h.descr)
		require.NotNil(t, h.Order)
		h.AsBFloat16()
		if h.Name == "" {
			return
		}
		var b bytes.Buffer
		require.NoError(t, h.Write(&b, nil))
		again, n, err := readHeader(&b, -1)
		require.NoError(t, err)
		require.Zero(t, n%64)
		again.AsBFloat16()
		require.Equal(t, h.Name, again.Name)
		require.Equal(t, h.Shape, again.Shape)
		require.False(t, again.fortran)
		if h.size > 1 {
			require.Equal(t, h.Order, again.Order)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, d := range dtypes {
		one := binary.LittleEndian.AppendUint64(nil, d.one)[:d.size]
		f.Add(file(1, dict("<"+d.code, "(1, 1)"), one...))
		f.Add(file(2, dict(">"+d.code, "(2, 3)"), make([]byte, 6*d.size)...))
	}
	for _, shape := range []string{"(0, 3, 0)", "(65536, 65536, 65536, 65536)", "()", "(7,)"} {
		f.Add(file(3, strings.Replace(dict("<f4", shape), "False", "True", 1), make([]byte, 28)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parse(t, data, nil)
		if err != nil {
			return
		}
		n, ok := count(a.Shape)
		require.True(t, ok)
		require.Len(t, a.Elems, int(n)*a.size)
		if words, err := a.Bits(); err == nil {
			require.Len(t, words, (int(n)+63)/64)
		}
		x, err := Values[float32](a)
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, Write(&out, a.Order, a.Shape, x))
		b, err := parse(t, out.Bytes(), nil)
		require.NoError(t, err)
		require.Equal(t, a.Shape, b.Shape)
		require.Equal(t, a.Elems, b.Elems)
	})
}
