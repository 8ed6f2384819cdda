package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/npy"
	"github.com/stretchr/testify/require"
)

// writeMap writes a float32 map with values that show where they come from.
func writeMap(t *testing.T, path string, dims ...int) []float32 {
	t.Helper()
	n := 1
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i%251) - 100.25
	}
	saveFloats(t, path, data, dims)
	return data
}

func saveFloats(t *testing.T, path string, data []float32, dims []int) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, npy.Write(f, binary.LittleEndian, dims, data))
}

func loadFloats(t *testing.T, path string) ([]float32, []int) {
	t.Helper()
	a, err := npy.ReadFile(path, nil)
	require.NoError(t, err)
	data, err := npy.Values[float32](a)
	require.NoError(t, err)
	return data, a.Shape
}

// loadMask reads a keep mask of uint8.
func loadMask(t *testing.T, path string) ([]byte, []int) {
	t.Helper()
	a, err := npy.ReadFile(path, nil)
	require.NoError(t, err)
	require.Equal(t, "uint8", a.Dtype.Name)
	return a.Elems, a.Shape
}

func writeBits(t *testing.T, path string, dims []int, words []uint64) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, npy.WriteBits(f, dims, words))
}

// maskBytes is a mask as bytes, 1 to keep.
func maskBytes(m *dropblock.Mask) []byte {
	b := make([]byte, m.MaskShape().Len())
	for i := range b {
		b[i] = byte(m.Words()[i/64] >> (i % 64) & 1)
	}
	return b
}

var applyCases = []struct {
	flags string
	cfg   dropblock.Config
	at    dropblock.Position
	dims  []int
}{
	{"", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}, dropblock.Position{}, []int{2, 3, 17, 19}},
	{"-p 0.2 -block 3 -seed 42", dropblock.Config{DropProb: 0.2, Block: dropblock.Square(3), Seed: 42}, dropblock.Position{}, []int{14, 14}},
	{"-p 0.3 -block 5x2 -even after -seed 9", dropblock.Config{DropProb: 0.3, Block: dropblock.Rect(5, 2), Even: dropblock.EvenAfter, Seed: 9}, dropblock.Position{}, []int{4, 13, 11}},
	{"-region full -p 0.3 -block 4 -seed 1", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(4), Region: dropblock.RegionFull, Seed: 1}, dropblock.Position{}, []int{2, 2, 9, 10}},
	{"-region full -even after -p 0.3 -block 4 -seed 1", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(4), Region: dropblock.RegionFull, Even: dropblock.EvenAfter, Seed: 1}, dropblock.Position{}, []int{2, 2, 9, 10}},
	{"-gamma simple -p 0.5 -seed 2", dropblock.Config{DropProb: 0.5, Block: dropblock.Square(7), Gamma: dropblock.GammaSimple, Seed: 2}, dropblock.Position{}, []int{3, 2, 12, 12}},
	{"-share channels -p 0.4 -seed 3", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareChannels, Seed: 3}, dropblock.Position{}, []int{3, 5, 12, 12}},
	{"-share channels -p 0.4 -seed 4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareChannels, Seed: 4}, dropblock.Position{}, []int{5, 12, 12}},
	{"-share channels -p 0.4 -seed 5", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareChannels, Seed: 5}, dropblock.Position{}, []int{12, 12}},
	{"-norm none -p 0.4 -seed 3", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Norm: dropblock.NormNone, Seed: 3}, dropblock.Position{}, []int{4, 12, 12}},
	{"-seed 18446744073709551615 -layer 4294967295 -step 18446744073709551615 -sample-offset 12345678901",
		dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), Seed: math.MaxUint64, Layer: math.MaxUint32},
		dropblock.Position{Step: math.MaxUint64, Sample: 12345678901}, []int{2, 8, 15, 15}},
	{"-layer 7 -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(7), Layer: 7}, dropblock.Position{}, []int{8, 15, 15}},
	{"-step 7 -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(7)}, dropblock.Position{Step: 7}, []int{8, 15, 15}},
	{"-sample-offset 7 -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(7)}, dropblock.Position{Sample: 7}, []int{8, 15, 15}},
	{"-p 0", dropblock.Config{Block: dropblock.Square(7)}, dropblock.Position{}, []int{3, 9, 9}},
	{"-p 1", dropblock.Config{DropProb: 1, Block: dropblock.Square(7)}, dropblock.Position{}, []int{3, 9, 9}},
	{"-p 1 -block 1", dropblock.Config{DropProb: 1, Block: dropblock.Square(1)}, dropblock.Position{}, []int{3, 9, 9}},
	{"-block 2147483647 -p 0.5 -seed 8", dropblock.Config{DropProb: 0.5, Block: dropblock.Square(math.MaxInt32), Seed: 8}, dropblock.Position{}, []int{6, 5, 7}},
	{"-gamma exact -p 0.25", dropblock.Config{DropProb: 0.25, Block: dropblock.Square(7), Gamma: dropblock.GammaExact}, dropblock.Position{}, []int{2, 3, 14, 14}},
	{"-gamma given -p 0.02", dropblock.Config{DropProb: 0.02, Block: dropblock.Square(7), Gamma: dropblock.GammaGiven}, dropblock.Position{}, []int{2, 3, 14, 14}},
	{"-gamma-scale 2.5", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), GammaScale: 2.5}, dropblock.Position{}, []int{2, 3, 14, 14}},
	{"-p 0.3 -ramp 0.05:10 -step 3", dropblock.Config{DropProb: 0.3, Ramp: dropblock.Ramp{From: 0.05, Steps: 10}, Block: dropblock.Square(7)}, dropblock.Position{Step: 3}, []int{2, 3, 14, 14}},
	{"-block 0.5 -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Fraction(0.5)}, dropblock.Position{}, []int{4, 3, 9, 14}},
	{"-block 3x2x5 -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Cuboid(3, 2, 5)}, dropblock.Position{}, []int{4, 3, 5, 9, 14}},
	{"-block 9 -clip square -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(9), Clip: dropblock.ClipSquare}, dropblock.Position{}, []int{4, 3, 5, 14}},
	{"-block 9 -clip none -region full -p 0.3", dropblock.Config{DropProb: 0.3, Block: dropblock.Square(9), Clip: dropblock.ClipNone, Region: dropblock.RegionFull}, dropblock.Position{}, []int{4, 3, 5, 14}},
	{"-share batch -p 0.4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareBatch}, dropblock.Position{}, []int{4, 3, 12, 12}},
	{"-share batch -p 0.4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareBatch}, dropblock.Position{}, []int{3, 12, 12}},
	{"-share all -p 0.4 -sample-offset 5", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Share: dropblock.ShareAll}, dropblock.Position{Sample: 5}, []int{4, 3, 12, 12}},
	{"-share all -p 0.4 -block 3", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(3), Share: dropblock.ShareAll}, dropblock.Position{}, []int{2, 3, 5, 12, 12}},
	{"-norm sample -p 0.4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Norm: dropblock.NormSample}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-norm plane -p 0.4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Norm: dropblock.NormPlane}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-norm plane -p 0.4 -block 3", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(3), Norm: dropblock.NormPlane}, dropblock.Position{}, []int{2, 513, 3, 3}},
	{"-norm plane", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), Norm: dropblock.NormPlane}, dropblock.Position{}, []int{0, 3, 12, 12}},
	{"-norm expected -p 0.4", dropblock.Config{DropProb: 0.4, Block: dropblock.Square(7), Norm: dropblock.NormExpected}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-norm expected -ramp 0:10 -step 5", dropblock.Config{DropProb: 0.1, Ramp: dropblock.Ramp{Steps: 10}, Block: dropblock.Square(7), Norm: dropblock.NormExpected}, dropblock.Position{Step: 5}, []int{5, 3, 12, 12}},
	{"-preset timm -p 0.2", dropblock.Config{DropProb: 0.2, Block: dropblock.Square(7), Region: dropblock.RegionFull, Share: dropblock.ShareChannels}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-preset timm -share none -block 5 -seed 3", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(5), Region: dropblock.RegionFull, Seed: 3}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-block 3x5 -preset gomlx -norm plane", dropblock.Config{
		DropProb: 0.1, Block: dropblock.Rect(3, 5), Clip: dropblock.ClipNone, Region: dropblock.RegionFull, Gamma: dropblock.GammaSimple,
		Share: dropblock.ShareChannels, Norm: dropblock.NormPlane,
	}, dropblock.Position{}, []int{5, 3, 12, 12}},
	{"-preset droppath -p 0.5", dropblock.Config{
		DropProb: 0.5, Block: dropblock.Fraction(1), Gamma: dropblock.GammaGiven, Share: dropblock.ShareChannels, Norm: dropblock.NormExpected,
	}, dropblock.Position{}, []int{9, 3, 12, 12}},
	{"-layout nchw -p 0.2", dropblock.Config{DropProb: 0.2, Block: dropblock.Square(7)}, dropblock.Position{}, []int{2, 40, 14, 14}},
	{"", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}, dropblock.Position{}, []int{0, 3, 9, 9}},
	{"", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}, dropblock.Position{}, []int{2, 0, 9, 9}},
	{"-share channels", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7), Share: dropblock.ShareChannels}, dropblock.Position{}, []int{2, 0, 9, 9}},
	{"", dropblock.Config{DropProb: 0.1, Block: dropblock.Square(7)}, dropblock.Position{}, []int{0, 9}},
}

// The command is the library: same output, same mask, same figures, with every
// kernel set. And dilate makes of the library's seeds the mask of apply.
func TestApplyIsTheLibrary(t *testing.T) {
	for _, c := range applyCases {
		t.Run(c.flags+" "+join(c.dims), func(t *testing.T) {
			t.Chdir(t.TempDir())
			x := writeMap(t, "in.npy", c.dims...)
			_, s, err := new(options).shapeOf(c.dims)
			require.NoError(t, err)
			layer, err := dropblock.New(c.cfg)
			require.NoError(t, err)
			var m dropblock.Mask
			layer.SampleAt(&m, s, c.at)
			want := make([]float32, len(x))
			dropblock.Apply(want, x, &m)

			maskDims := slices.Clone(c.dims)
			n := len(maskDims) - 4 // the axis of samples
			if n > 0 {
				n = 0
			}
			if share := c.cfg.Share; n >= 0 && (share == dropblock.ShareBatch || share == dropblock.ShareAll) {
				maskDims[n] = min(maskDims[n], 1)
			}
			if share := c.cfg.Share; n >= -1 && (share == dropblock.ShareChannels || share == dropblock.ShareAll) {
				maskDims[n+1] = min(maskDims[n+1], 1)
			}
			flags := strings.Fields(c.flags)
			var first []byte
			for _, k := range dropblock.KernelSets() {
				r := succeed(t, "apply", append(slices.Clone(flags), "-kernel", k.String(), "-mask", "mask.npy", "-time", "in.npy", "out.npy")...)
				y, dims := loadFloats(t, "out.npy")
				require.Equal(t, c.dims, dims)
				require.Equal(t, floatBits(want), floatBits(y))
				keep, dims := loadMask(t, "mask.npy")
				require.Equal(t, maskDims, dims)
				require.Equal(t, maskBytes(&m), append([]byte{}, keep...))

				require.Equal(t, c.dims, r.Shape)
				require.Equal(t, k.String(), r.Kernel)
				require.Equal(t, m.Gamma(), r.Gamma)
				require.Equal(t, m.SeedCount(), r.Seeds)
				require.Equal(t, m.Kept(), r.Kept)
				require.Equal(t, m.Dropped(), r.Dropped)
				if scales := m.Scales(); len(scales) == 1 {
					require.Equal(t, scales[0], *r.Scale)
					require.Equal(t, scales, r.Scales)
				} else if require.Nil(t, r.Scale); len(scales) > 1024 {
					require.Nil(t, r.Scales)
				} else {
					require.Equal(t, append([]float64{}, scales...), r.Scales)
				}
				require.Equal(t, c.cfg.DropProb, r.P)
				require.Equal(t, c.cfg.Ramp, r.Ramp)
				require.Equal(t, c.cfg.Block, r.Block)
				require.Equal(t, c.cfg.Clip, r.Clip)
				require.Equal(t, c.cfg.Region, r.Region)
				require.Equal(t, c.cfg.Even, r.Even)
				require.Equal(t, c.cfg.Gamma, r.GammaRule)
				require.Equal(t, max(c.cfg.GammaScale, 1), r.GammaScale)
				require.Equal(t, c.cfg.Share, r.Share)
				require.Equal(t, c.cfg.Norm, r.Norm)
				require.Equal(t, [2]uint64{c.cfg.Seed, uint64(c.cfg.Layer)}, [2]uint64{r.Seed, uint64(r.Layer)})
				require.Equal(t, c.at, dropblock.Position{Step: r.Step, Sample: r.Sample})
				require.Equal(t, dropblock.StreamVersion, r.Stream)
				require.Equal(t, "float32", r.Dtype)
				require.Equal(t, "zero", r.Fill)
				require.NotEmpty(t, r.Module)
				require.Equal(t, layer.ExpectedDrop(s, c.at.Step), *r.ExpectedDrop)
				if n := m.Kept() + m.Dropped(); n > 0 {
					require.Equal(t, float64(m.Dropped())/float64(n), r.DropRate)
					require.Positive(t, *r.NsPerElement)
				} else {
					require.Zero(t, r.DropRate)
					require.Zero(t, *r.NsPerElement)
				}
				require.Positive(t, r.Seconds)

				out := append(read(t, "out.npy"), read(t, "mask.npy")...)
				if first == nil {
					first = out
				}
				require.Equal(t, first, out)
			}

			seeds := make([]uint64, len(m.Words()))
			layer.DrawSeeds(seeds, s, c.at)
			writeBits(t, "seeds.npy", maskDims, seeds)
			for _, k := range dropblock.KernelSets() {
				r := succeed(t, "dilate", append(slices.Clone(flags), "-kernel", k.String(), "-mask", "again.npy", "seeds.npy", "grown.npy")...)
				require.Equal(t, read(t, "mask.npy"), read(t, "grown.npy"))
				require.Equal(t, read(t, "mask.npy"), read(t, "again.npy"))
				require.Equal(t, maskDims, r.Shape)
				require.Equal(t, k.String(), r.Kernel)
				require.Equal(t, m.SeedCount(), r.Seeds)
				require.Equal(t, m.Kept(), r.Kept)
				require.Equal(t, m.Dropped(), r.Dropped)
				require.Zero(t, r.Gamma)
			}
		})
	}
}

func floatBits(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

// Every flag of the key changes the mask, and the offset of samples shifts it.
func TestKey(t *testing.T) {
	t.Chdir(t.TempDir())
	writeMap(t, "in.npy", 4, 8, 14, 14)
	seen := map[string]string{}
	for _, flags := range []string{"", "-seed 1", "-layer 1", "-step 1", "-sample-offset 1"} {
		succeed(t, "apply", append(strings.Fields(flags), "-mask", "mask.npy", "in.npy", "out.npy")...)
		mask := string(read(t, "mask.npy"))
		require.NotContains(t, seen, mask, "%s and %s", flags, seen[mask])
		seen[mask] = flags
	}
	all, _ := loadMask(t, "mask.npy")
	writeMap(t, "in.npy", 5, 8, 14, 14)
	succeed(t, "apply", "-mask", "mask.npy", "in.npy", "out.npy")
	five, _ := loadMask(t, "mask.npy")
	require.Equal(t, five[8*14*14:], all)
}

// What NumPy wrote, in whatever order of elements and bytes, gives the same
// output, in C order and with the same order of bytes.
func TestStorage(t *testing.T) {
	data, err := filepath.Abs("testdata")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	file := func(name string) string { return filepath.Join(data, name) }

	// Identity: the file that NumPy writes, to the byte.
	for in, want := range map[string]string{
		"map.npy": "map.npy", "map-fortran.npy": "map.npy", "map-v2.npy": "map.npy", "map-v3.npy": "map.npy",
		"map-big.npy": "map-big.npy", "map-big-fortran.npy": "map-big.npy",
	} {
		succeed(t, "apply", "-p", "0", file(in), "out.npy")
		require.Equal(t, read(t, file(want)), read(t, "out.npy"), in)
	}
	succeed(t, "apply", "-p", "0.3", "-block", "2", "-seed", "6", file("map.npy"), "want.npy")
	want, _ := loadFloats(t, "want.npy")
	require.Contains(t, want, float32(0))
	for _, in := range []string{"map-fortran.npy", "map-big.npy", "map-big-fortran.npy", "map-v2.npy", "map-v3.npy"} {
		succeed(t, "apply", "-p", "0.3", "-block", "2", "-seed", "6", file(in), "out.npy")
		got, dims := loadFloats(t, "out.npy")
		require.Equal(t, want, got)
		require.Equal(t, []int{2, 3, 4, 5}, dims)
	}

	seeds, err := filepath.Glob(file("seeds-*.npy"))
	require.NoError(t, err)
	require.Len(t, seeds, 23)
	for _, in := range seeds {
		r := succeed(t, "dilate", "-block", "3", in, "keep.npy")
		require.Equal(t, read(t, file("keep.npy")), read(t, "keep.npy"), in)
		require.Equal(t, 3, r.Seeds)
		require.Equal(t, 84-27, r.Kept)
	}
	for _, name := range []string{"complex64.npy", "text.npy", "record.npy", "longdouble.npy", "datetime.npy", "object.npy"} {
		fail(t, 1, name+": has ", "dilate", file(name), "never.npy")
	}
}

// Values that a product would spoil.
func TestSpecialValues(t *testing.T) {
	t.Chdir(t.TempDir())
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	minusZero := float32(math.Copysign(0, -1))
	saveFloats(t, "in.npy", []float32{inf, -inf, nan, minusZero, -1, 1e-45}, []int{2, 3})
	succeed(t, "apply", "-p", "1", "in.npy", "out.npy")
	y, _ := loadFloats(t, "out.npy")
	require.Equal(t, make([]uint32, 6), floatBits(y))
	succeed(t, "apply", "-p", "0", "in.npy", "out.npy")
	require.Equal(t, read(t, "in.npy"), read(t, "out.npy"))
}

func TestTextReport(t *testing.T) {
	t.Chdir(t.TempDir())
	writeMap(t, "in.npy", 2, 3, 30, 31)
	args := []string{"apply", "-p", "0.2", "-seed", "5", "in.npy", "out.npy"}
	status, stdout, _ := command(args...)
	require.Zero(t, status)
	r := succeed(t, "apply", args[1:]...)
	var names []string
	values := map[string]string{}
	column := -1
	for line := range strings.Lines(stdout) {
		f := strings.Fields(line)
		require.Len(t, f, 2)
		names = append(names, f[0])
		values[f[0]] = f[1]
		if column < 0 {
			column = strings.LastIndex(line, f[1])
		}
		require.Equal(t, column, strings.LastIndex(line, f[1]), "alignment: %q", line)
	}
	require.Equal(t, []string{"shape", "kernel", "gamma", "seeds", "dropped", "kept", "drop_rate", "expected_drop", "scale", "seconds"}, names)
	require.Equal(t, "2x3x30x31", values["shape"])
	require.Equal(t, r.Kernel, values["kernel"])
	require.Equal(t, strconv.Itoa(r.Seeds), values["seeds"])
	require.Equal(t, strconv.Itoa(r.Dropped), values["dropped"])
	require.Equal(t, strconv.Itoa(r.Kept), values["kept"])
	require.Equal(t, fmt.Sprintf("%.4f", r.DropRate), values["drop_rate"])
	for name, want := range map[string]float64{"gamma": r.Gamma, "scale": *r.Scale} {
		got, err := strconv.ParseFloat(values[name], 64)
		require.NoError(t, err)
		require.InEpsilon(t, want, got, 1e-5)
	}
	require.Positive(t, r.Dropped)
}
