package npy

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func TestRead(t *testing.T) {
	for version := byte(1); version <= 3; version++ {
		shape, data, err := Read[uint8](bytes.NewReader(file(version, dict("|u1", "(2, 3)"), 1, 2, 3, 4, 5, 6)))
		require.NoError(t, err)
		require.Equal(t, []int{2, 3}, shape)
		require.Equal(t, []uint8{1, 2, 3, 4, 5, 6}, data)
	}

	shape, flags, err := Read[uint8](bytes.NewReader(file(1, dict("|b1", "(2,)"), 0, 1)))
	require.NoError(t, err)
	require.Equal(t, []int{2}, shape)
	require.Equal(t, []uint8{0, 1}, flags)

	_, singles, err := Read[float32](bytes.NewReader(file(1, dict("<f4", "(2,)"), 0, 0, 0x80, 0x3f, 0, 0, 0, 0x80)))
	require.NoError(t, err)
	require.Equal(t, float32(1), singles[0])
	require.Equal(t, uint32(1<<31), math.Float32bits(singles[1]))

	shape, doubles, err := Read[float64](bytes.NewReader(file(1, dict("<f8", "()"), 0, 0, 0, 0, 0, 0, 0xf8, 0xbf)))
	require.NoError(t, err)
	require.Empty(t, shape)
	require.Equal(t, []float64{-1.5}, doubles)

	shape, doubles, err = Read[float64](bytes.NewReader(file(1, dict("<f8", "(3, 0, 2147483647)"))))
	require.NoError(t, err)
	require.Equal(t, []int{3, 0, 2147483647}, shape)
	require.Empty(t, doubles)
}

func TestReadBad(t *testing.T) {
	good := file(1, dict("|u1", "(2, 3)"), 1, 2, 3, 4, 5, 6)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "not a .npy file"},
		"magic":         {append([]byte("X"), good...), "not a .npy file"},
		"magic alone":   {good[:8], "not a .npy file"},
		"version":       {file(4, dict("|u1", "(1,)"), 1), "format version 4"},
		"cut size":      {file(2, "")[:11], "header is cut off"},
		"cut header":    {good[:20], "header is cut off"},
		"header":        {file(1, "{'shape': (1,), }", 1), "want the keys"},
		"Fortran":       {file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (1,), }", 1), "Fortran order"},
		"extent":        {file(1, dict("|u1", "(99999999999999999999,)"), 1), "out of range"},
		"type":          {file(1, dict("<i8", "(1,)"), 1, 0, 0, 0, 0, 0, 0, 0), `element type "<i8"`},
		"big-endian":    {file(1, dict(">f4", "(1,)"), 1, 0, 0, 0), `element type ">f4"`},
		"short":         {good[:len(good)-1], "5 bytes of data do not fit shape [2 3]"},
		"long":          {append(bytes.Clone(good), 0), "7 bytes of data do not fit shape [2 3]"},
		"product":       {file(1, dict("|u1", "(2147483647, 2147483647, 2147483647, 2)"), 1), "do not fit"},
		"product of 2s": {file(1, dict("|u1", "(65536, 65536, 65536, 65536)")), "do not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			shape, data, err := Read[uint8](bytes.NewReader(c.file))
			require.ErrorContains(t, err, c.want)
			require.Nil(t, shape)
			require.Nil(t, data)
		})
	}
	_, _, err := Read[float32](bytes.NewReader(file(1, dict("<f4", "(1,)"), 1, 2, 3, 4, 5)))
	require.ErrorContains(t, err, "5 bytes of data do not fit")
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.npy")
	require.NoError(t, os.WriteFile(name, file(1, dict("|u1", "(1,)"), 7), 0o666))
	_, data, err := ReadFile[uint8](name)
	require.NoError(t, err)
	require.Equal(t, []uint8{7}, data)

	_, _, err = ReadFile[float32](name)
	require.True(t, strings.HasPrefix(err.Error(), name+": npy: element type"), err.Error())
	_, _, err = ReadFile[float32](name + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}
