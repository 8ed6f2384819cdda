package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// TestMain lets the tests start this binary as the command.
func TestMain(m *testing.M) {
	if os.Getenv("DROPBLOCK_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// command runs the command in the test's process.
func command(args ...string) (status int, stdout, stderr string) {
	return commandIn("", args...)
}

// commandIn runs the command with something on standard input.
func commandIn(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, streams{strings.NewReader(stdin), &out, &err})
	return status, out.String(), err.String()
}

// succeed runs the command with -json and returns its report.
func succeed(t *testing.T, verb string, args ...string) report {
	t.Helper()
	status, stdout, stderr := command(slices.Concat([]string{verb, "-json"}, args)...)
	require.Empty(t, stderr)
	require.Zero(t, status)
	var r report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&r))
	require.False(t, d.More())
	return r
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// tree is the content of a directory's files, by name.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Type().IsRegular() {
			files[e.Name()] = string(read(t, filepath.Join(dir, e.Name())))
		} else {
			files[e.Name()] = e.Type().String()
		}
	}
	return files
}

// workdir is a directory to work in, with good input, in which the test runs.
func workdir(t *testing.T) {
	t.Helper()
	data, err := filepath.Abs("testdata")
	require.NoError(t, err)
	dir := t.TempDir()
	for name, as := range map[string]string{
		"map.npy": "map.npy", "seeds-uint8.npy": "seeds.npy", "keep.npy": "keep.npy",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, as), read(t, filepath.Join(data, name)), 0o644))
	}
	t.Chdir(dir)
	writePNG(t, "photo.png", testRGBA())
	require.NoError(t, os.Mkdir("folder.npy", 0o755))
	require.NoError(t, os.Symlink("map.npy", "link.npy"))
	require.NoError(t, os.Link("map.npy", "hard.npy"))
}

// fail runs the command, which has to fail with one line that holds what is
// wanted, and to leave the directory as it was.
func fail(t *testing.T, status int, want string, args ...string) {
	t.Helper()
	before := tree(t, ".")
	got, stdout, stderr := command(args...)
	require.Equal(t, status, got, stderr)
	require.Empty(t, stdout)
	require.Equal(t, 1, strings.Count(stderr, "\n"), "%q", stderr)
	require.True(t, strings.HasPrefix(stderr, "dropblock"), stderr)
	require.Contains(t, stderr, want)
	require.Equal(t, before, tree(t, "."))
}

func TestUsageErrors(t *testing.T) {
	workdir(t)
	kernels := []string{"auto"}
	for _, k := range dropblock.KernelSets() {
		kernels = append(kernels, k.String())
	}
	for _, c := range []struct{ args, want string }{
		{"", "want a command; see dropblock help"},
		{"erode a b", "erode is not a command; want apply, dilate, show, presets, info or help"},
		{"help erode", "erode is not a command"},
		{"help apply show", "help takes one command"},

		{"apply", "want IN OUT, got nothing"},
		{"apply map.npy", `want IN OUT, got ["map.npy"]`},
		{"apply map.npy out.npy more.npy", "want IN OUT"},
		{"apply map.npy out.npy -p 2", "-p 2: want a probability from 0 to 1"},
		{"apply map.npy -q out.npy", "-q is not a flag of apply"},
		{"apply map.npy -- -p out.npy", `want IN OUT, got ["map.npy" "-p" "out.npy"]`},
		{"dilate seeds.npy", "want SEEDS MASK"},
		{"show", "want OUT.png, got nothing"},
		{"info now", "want no arguments"},
		{"info -p 0.1", "-p is not a flag of info"},

		{"apply -q map.npy out.npy", "-q is not a flag of apply; see dropblock help apply"},
		{"apply -size 14 map.npy out.npy", "-size is not a flag of apply"},
		{"apply -p", "-p needs a value"},
		{"apply ---p map.npy out.npy", "bad flag syntax"},
		{"apply -json=maybe map.npy out.npy", "-json=maybe: want true or false"},
		{"apply -p=-0.1 map.npy out.npy", "-p -0.1: want a probability from 0 to 1"},
		{"apply -p 1.01 map.npy out.npy", "-p 1.01: want a probability"},
		{"apply -p NaN map.npy out.npy", "-p NaN: want a probability"},
		{"apply -p Inf map.npy out.npy", "-p Inf: want a probability"},
		{"apply -p half map.npy out.npy", "-p half: want a probability"},
		{"apply -block 0 map.npy out.npy", "-block 0: want a size, 7, or rows and columns, 7x5, or three sizes, 3x7x5, of 1 or more, or a fraction of the map, with a point, 0.5, of 1.0 at most"},
		{"apply -block 0.0 map.npy out.npy", "-block 0.0: want"},
		{"apply -block 1.5 map.npy out.npy", "-block 1.5: want"},
		{"apply -block .5x.5 map.npy out.npy", "-block .5x.5: want"},
		{"apply -block 7x map.npy out.npy", "-block 7x: want a size"},
		{"apply -block x7 map.npy out.npy", "-block x7: want a size"},
		{"apply -block 7x-5 map.npy out.npy", "-block 7x-5: want"},
		{"apply -block +7 map.npy out.npy", "-block +7: want"},
		{"apply -block= map.npy out.npy", "-block needs a value"},
		{"apply -block 99999999999999999999 map.npy out.npy", "-block 99999999999999999999: want"},
		{"apply -block 3x0x7 map.npy out.npy", "-block 3x0x7: want"},
		{"apply -block 1x2x3x4 map.npy out.npy", "-block 1x2x3x4: want"},
		{"apply -region all map.npy out.npy", "-region all: want valid or full"},
		{"apply -even middle map.npy out.npy", "-even middle: want before or after"},
		{"apply -gamma best map.npy out.npy", "-gamma best: want paper, simple, exact or given"},
		{"apply -gamma Paper map.npy out.npy", "-gamma Paper: want "},
		{"apply -gamma= map.npy out.npy", "-gamma needs a value"},
		{"apply -gamma-scale 0 map.npy out.npy", "-gamma-scale 0: want a finite number above 0"},
		{"apply -gamma-scale -1 map.npy out.npy", "-gamma-scale -1: want"},
		{"apply -gamma-scale Inf map.npy out.npy", "-gamma-scale Inf: want"},
		{"apply -gamma-scale NaN map.npy out.npy", "-gamma-scale NaN: want"},
		{"apply -gamma-scale 1e999 map.npy out.npy", "-gamma-scale 1e999: want"},
		{"apply -gamma-scale 2 -gamma exact map.npy out.npy", "-gamma-scale 2 with -gamma exact; want 1 or another rule"},
		{"apply -share samples map.npy out.npy", "-share samples: want none, channels, batch or all"},
		{"apply -norm l2 map.npy out.npy", "-norm l2: want tensor, none, sample, plane or expected"},
		{"apply -clip never map.npy out.npy", "-clip never: want axes, square or none"},
		{"apply -clip none map.npy out.npy", "-clip none with -region valid; want -region full"},
		{"show -clip none out.png", "-clip none with -region valid; want -region full"},
		{"dilate -clip none seeds.npy out.npy", "-clip none with -region valid; want -region full"},
		{"apply -ramp 0.1 map.npy out.npy", "-ramp 0.1: want a drop probability from 0 to 1 and a number of steps, 0:2000"},
		{"apply -ramp 1.5:10 map.npy out.npy", "-ramp 1.5:10: want"},
		{"apply -ramp NaN:10 map.npy out.npy", "-ramp NaN:10: want"},
		{"apply -ramp 0.1:0 map.npy out.npy", "-ramp 0.1:0: want"},
		{"apply -ramp 0:-1 map.npy out.npy", "-ramp 0:-1: want"},
		{"apply -ramp 0:1:2 map.npy out.npy", "-ramp 0:1:2: want"},
		{"apply -ramp= map.npy out.npy", "-ramp needs a value"},
		{"apply -preset Timm map.npy out.npy", "-preset Timm: want one of paper, torchvision, timm, tpu, "},
		{"apply -preset= map.npy out.npy", "-preset needs a value"},
		{"apply -preset timm -p 2 map.npy out.npy", "-p 2: want"},
		{"apply -preset timm -share some map.npy out.npy", "-share some: want"},
		{"apply -preset miguelvr -region valid map.npy out.npy", "-clip none with -region valid; want -region full"},
		{"presets timm", "want no arguments"},
		{"apply -layout hwc map.npy out.npy", "-layout hwc: want nchw, nhwc, ncw, nwc, ncdhw or ndhwc"},
		{"apply -layout= map.npy out.npy", "-layout needs a value"},
		{"apply -layout nchw photo.png out.png", "-layout nchw: a picture has its own layout; want none for IN photo.png"},
		{"apply -dtype bfloat16 photo.png out.png", "-dtype bfloat16: a picture has its own type; want none for IN photo.png"},
		{"apply -dtype float16 map.npy out.npy", "-dtype float16: want bfloat16"},
		{"apply -dtype= map.npy out.npy", "-dtype needs a value"},
		{"apply -fill one map.npy out.npy", "-fill one: want zero or noise"},
		{"apply -max-pixels 0 map.npy out.npy", "-max-pixels 0: want an integer from 1 to 9223372036854775807"},
		{"apply -max-pixels many map.npy out.npy", "-max-pixels many: want"},
		{"apply -time=maybe map.npy out.npy", "-time=maybe: want true or false"},
		{"apply -mask= map.npy out.npy", "-mask needs a value"},
		{"info -time", "-time is not a flag of info"},
		{"apply -seed -1 map.npy out.npy", "-seed -1: want an integer from 0 to 18446744073709551615"},
		{"apply -seed 18446744073709551616 map.npy out.npy", "-seed 18446744073709551616: want"},
		{"apply -seed 1.5 map.npy out.npy", "-seed 1.5: want"},
		{"apply -layer 4294967296 map.npy out.npy", "-layer 4294967296: want an integer from 0 to 4294967295"},
		{"apply -step x map.npy out.npy", "-step x: want"},
		{"apply -sample-offset -3 map.npy out.npy", "-sample-offset -3: want"},
		{"apply -kernel sse map.npy out.npy", "-kernel sse is unknown; want " + orList(kernels)},

		{"apply map.txt out.npy", "IN map.txt: want a name that ends in .npy, .png, .jpg or .jpeg"},
		{"apply map.npy out.png", "OUT out.png: want a name that ends in .npy for IN map.npy"},
		{"apply photo.png out.npy", "OUT out.npy: want a name that ends in .png or .jpg for IN photo.png"},
		{"apply photo.png out.gif", "OUT out.gif: want"},
		{"apply map.npy out", "OUT out: want"},
		{"dilate photo.png out.npy", "SEEDS photo.png: want a name that ends in .npy"},
		{"dilate seeds.npy out.png", "MASK out.png: want a name that ends in .npy"},
		{"show out.npy", "OUT out.npy: want a name that ends in .png"},
		{"apply -mask mask.png map.npy out.npy", "-mask mask.png: want a name that ends in .npy"},
		{"apply -mask out.npy map.npy out.npy", "-mask out.npy is OUT; want another file"},
		{"apply -mask ./out.npy map.npy out.npy", "-mask ./out.npy is OUT"},
		{"apply -mask map.npy map.npy out.npy", "-mask map.npy is IN"},
		{"apply -mask link.npy map.npy out.npy", "-mask link.npy is IN"},
		{"apply -mask map.npy hard.npy out.npy", "-mask map.npy is IN"},
		{"dilate -mask out.npy seeds.npy out.npy", "-mask out.npy is MASK"},
		{"dilate -mask seeds.npy seeds.npy out.npy", "-mask seeds.npy is SEEDS"},
		{"show -size 0 out.png", "-size 0: want one size, 14, or HxW, 14x20, each from 1 to 1024"},
		{"show -size 14x1025 out.png", "-size 14x1025: want"},
		{"show -size 1x2x3 out.png", "-size 1x2x3: want"},
		{"show -size= out.png", "-size needs a value"},
		{"show -size 3x4 -layout ncw out.png", "-size 3x4: want one size, 14, or 1x14, with -layout ncw"},
		{"show -mask - -", "-mask - is OUT; want another file"},
		{"apply -mask - map.npy -", "-mask - is OUT; want another file"},
		{"dilate -mask - seeds.npy -", "-mask - is MASK; want another file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			fail(t, 2, c.want, strings.Fields(c.args)...)
		})
	}
}

func TestKernelThisCPULacks(t *testing.T) {
	workdir(t)
	for _, name := range []string{"generic", "avx2", "avx512", "neon"} {
		_, err := dropblock.ParseKernelSet(name)
		status, _, stderr := command("apply", "-kernel", name, "map.npy", "out.npy")
		if err == nil {
			require.Zero(t, status)
			continue
		}
		require.Equal(t, 2, status)
		require.Contains(t, stderr, "-kernel "+name+" does not run on this CPU; want auto")
	}
}

// npyFile is a version 1.0 file with a dictionary as given.
func npyFile(dict string, elems int) []byte {
	n := len(dict) + 1
	return slices.Concat([]byte("\x93NUMPY\x01\x00"), []byte{byte(n), byte(n >> 8)}, []byte(dict+"\n"), make([]byte, elems))
}

func TestInputErrors(t *testing.T) {
	data, err := filepath.Abs("testdata")
	require.NoError(t, err)
	workdir(t)
	good := read(t, "map.npy")
	png, jpg := read(t, "photo.png"), encodeJPEG(t, testRGBA())
	const form = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
	shape := func(s string) []byte { return npyFile(fmt.Sprintf(form, s), 16) }
	huge := bytes.Clone(png)
	copy(huge[16:], "\x7f\xff\xff\xff\x7f\xff\xff\xff")
	fixCRC(huge[12:33])
	wide := bytes.Clone(png)
	copy(wide[16:], "\x00\x00\xff\xff\x00\x00\x0f\xff")
	fixCRC(wide[12:33])

	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty.npy", nil, "is not a .npy file"},
		{"text.npy", []byte("1 2 3 4 5 6 7 8 9 10\n"), "is not a .npy file"},
		{"zip.npy", []byte("PK\x03\x04 an .npz is a zip file"), "is not a .npy file"},
		{"magic.npy", good[:6], "is not a .npy file"},
		{"header.npy", good[:100], "is truncated in its header"},
		{"headerlen.npy", append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), good[10:]...), "is truncated in its header"},
		{"v4.npy", append([]byte("\x93NUMPY\x04\x00"), good[8:]...), "has version 4.0 of the .npy format; want 1.0, 2.0 or 3.0"},
		{"v0.npy", append([]byte("\x93NUMPY\x00\x01"), good[8:]...), "has version 0.1"},
		{"short.npy", good[:len(good)-1], "has 479 bytes of elements; want 120 times 4 for the shape 2x3x4x5 of float32"},
		{"none.npy", good[:128], "has 0 bytes of elements; want 120 times 4"},
		{"long.npy", append(bytes.Clone(good), 0, 0, 0, 0), "has 484 bytes of elements; want 120 times 4"},
		{"huge.npy", shape("(30000, 1000, 8, 8)"), "has 16 bytes of elements; want 1920000000 times 4 for the shape 30000x1000x8x8 of float32"},
		{"overflow.npy", shape("(2000000000, 2000000000, 2000000000)"), "shape NCHW 1x2000000000x2000000000x2000000000: "},
		{"sample.npy", shape("(2147483647, 2147483647)"), "shape NCHW 1x1x2147483647x2147483647: "},
		{"wrap.npy", shape("(65536, 65536, 65536, 65536)"), "shape NCHW 65536x65536x65536x65536: "},
		{"bytes.npy", shape("(1152921504606846977, 1, 2, 2)"), "has "}, // 16 bytes modulo 2⁶⁴
		{"extent.npy", shape("(4, 99999999999999999999)"), "has a header with extents that are too large"},
		{"negative.npy", shape("(4, -1)"), "has a header other than NumPy writes for a plain array"},
		{"long2.npy", append([]byte("\x93NUMPY\x03\x00\x3d\x00\x00\x00"), shape("(2L, 2L)")[10:]...), "has a header other than NumPy writes"},
		{"dim0.npy", shape("()"), "has 0 dimensions; want 2 to 5: (H,W), (C,H,W), (N,C,H,W) or (N,C,D,H,W), or 1 with -layout ncw or nwc"},
		{"dim1.npy", shape("(4,)"), "has 1 dimensions; want 2 to 5"},
		{"dim6.npy", shape("(1, 1, 1, 1, 2, 2)"), "has 6 dimensions; want 2 to 5"},
		{"dict.npy", npyFile("", 16), "has a header other than NumPy writes"},
		{"newline.npy", []byte("\x93NUMPY\x01\x00\x02\x00{}"), "has a header other than NumPy writes"},
		{"brace.npy", npyFile("{'descr': '<f4}', 'fortran_order': False, 'shape': (2, 2), }", 16), "has a header other than NumPy writes"},
		{"yes.npy", npyFile("{'descr': '<f4', 'fortran_order': Yes, 'shape': (2, 2), }", 16), "has a header other than NumPy writes"},
		{"i4.npy", read(t, filepath.Join(data, "seeds-int32.npy")), "has dtype int32 (<i4); want float16, float32 or float64"},
		{"u1.npy", read(t, filepath.Join(data, "seeds-uint8.npy")), "has dtype uint8 (|u1); want float16"},
		{"b1.npy", read(t, filepath.Join(data, "seeds-bool.npy")), "has dtype bool (|b1); want float16"},
		{"complex64.npy", read(t, filepath.Join(data, "complex64.npy")), "has dtype <c8"},
		{"longdouble.npy", read(t, filepath.Join(data, "longdouble.npy")), "has dtype <f16"},
		{"datetime.npy", read(t, filepath.Join(data, "datetime.npy")), "has dtype <M8[ns]"},
		{"string.npy", read(t, filepath.Join(data, "text.npy")), "has dtype <U1"},
		{"object.npy", read(t, filepath.Join(data, "object.npy")), "has dtype |O"},
		{"record.npy", read(t, filepath.Join(data, "record.npy")), "has a header other than NumPy writes"},

		{"empty.png", nil, "is truncated, or no PNG"},
		{"text.png", []byte("not a picture, but a line of text that is long enough\n"), "is damaged, or no PNG"},
		{"jpeg.png", jpg, "is damaged, or no PNG"},
		{"short.png", png[:len(png)/2], "is damaged, or no PNG: png: invalid format: not enough pixel data"},
		{"head.png", png[:20], "is truncated, or no PNG"},
		{"huge.png", huge, "is damaged, or no PNG: png: unsupported feature: dimension overflow"},
		{"wide.png", wide, "is too large or damaged: 65535x4095 pixels in a file of"},
		{"flip.png", flip(png, 50), "is damaged, or no PNG"},
		{"empty.jpg", nil, "is truncated, or no JPEG"},
		{"png.jpg", png, "is damaged, or no JPEG"},
		{"short.jpg", jpg[:len(jpg)/2], "is truncated, or no JPEG"},
		{"head.jpeg", jpg[:4], "is truncated, or no JPEG"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile(c.name, c.data, 0o644))
			out := "out" + filepath.Ext(c.name)
			fail(t, 1, c.name+": "+c.want, "apply", "-mask", "mask.npy", c.name, out)
			// In place: the file stays as it is.
			fail(t, 1, c.name+": "+c.want, "apply", c.name, c.name)
		})
	}
	t.Run("missing", func(t *testing.T) {
		fail(t, 1, "missing.npy: no such file", "apply", "missing.npy", "out.npy")
		fail(t, 1, "missing.png: no such file", "apply", "missing.png", "out.png")
		fail(t, 1, "missing.npy: no such file", "dilate", "missing.npy", "out.npy")
		fail(t, 1, "folder.npy", "apply", "folder.npy", "out.npy")
	})
	t.Run("newline in a name", func(t *testing.T) {
		fail(t, 1, `a\nb.npy`, "apply", "a\nb.npy", "out.npy")
	})
}

func TestSeedErrors(t *testing.T) {
	workdir(t)
	seeds := read(t, "seeds.npy") // 3x3 blocks, (2, 6, 7), 1 byte each from 128 on
	for _, c := range []struct {
		name  string
		flags string
		edit  func(b []byte) []byte
		want  string
	}{
		{"two", "-block 3", func(b []byte) []byte { b[128+42+2*7+3] = 2; return b }, "has a value other than 0 and 1 at (1, 2, 3)"},
		{"255", "-block 3", func(b []byte) []byte { b[128] = 255; return b }, "has a value other than 0 and 1 at (0, 0, 0)"},
		{"leaves", "-block 5", func(b []byte) []byte { return b }, "the block of the seed at n 0, c 0, h 1, w 1 leaves the map"},
		{"leaves right", "-block 1x4", func(b []byte) []byte { b[128+6] = 1; return b }, "the block of the seed at n 0, c 0, h 0, w 6 leaves the map"},
		{"channels", "-block 3 -share channels", func(b []byte) []byte { return b }, "has 2 channels; want 1 with -share channels"},
		{"short", "-block 3", func(b []byte) []byte { return b[:len(b)-1] }, "has 83 bytes of elements; want 84 times 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("bad.npy", c.edit(bytes.Clone(seeds)), 0o644))
			args := slices.Concat([]string{"dilate", "-mask", "mask.npy"}, strings.Fields(c.flags), []string{"bad.npy", "out.npy"})
			fail(t, 1, "bad.npy: "+c.want, args...)
		})
	}
	data := filepath.Join(t.TempDir(), "half.npy")
	require.NoError(t, os.WriteFile(data, append(npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", 0), 0, 0, 0, 0x3F), 0o644))
	fail(t, 1, "has a value other than 0 and 1 at (0, 0)", "dilate", "-block", "1", data, "out.npy")
}

func TestOutputErrors(t *testing.T) {
	workdir(t)
	require.NoError(t, os.Symlink("nowhere/out.npy", "dangling.npy"))
	for _, c := range []struct{ args, want string }{
		{"apply map.npy nowhere/out.npy", "nowhere/out.npy: no such file or directory"},
		{"apply map.npy folder.npy", "folder.npy: exists and is not a plain file"},
		{"apply map.npy dangling.npy", "dangling.npy: is a symbolic link to a file that does not exist"},
		{"apply -mask nowhere/mask.npy map.npy out.npy", "nowhere/mask.npy: no such file or directory"},
		{"apply -mask mask.npy map.npy nowhere/out.npy", "nowhere/out.npy: no such file or directory"},
		{"apply -mask mask.npy map.npy folder.npy", "folder.npy: exists and is not a plain file"},
		{"apply -mask folder.npy map.npy out.npy", "folder.npy: exists and is not a plain file"},
		{"apply -mask mask.npy photo.png nowhere/out.png", "nowhere/out.png: no such file or directory"},
		{"apply photo.png map.npy/out.png", "map.npy/out.png: not a directory"},
		{"dilate -block 3 -mask mask.npy seeds.npy nowhere/out.npy", "nowhere/out.npy: no such file"},
		{"dilate -block 3 seeds.npy folder.npy", "folder.npy: exists"},
		{"show -mask mask.npy nowhere/out.png", "nowhere/out.png: no such file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			fail(t, 1, c.want, strings.Fields(c.args)...)
		})
	}
}

// A file that may not be written is not replaced either.
func TestOutputReadOnly(t *testing.T) {
	workdir(t)
	require.NoError(t, os.WriteFile("fixed.npy", []byte("fixed"), 0o444))
	if f, err := os.OpenFile("fixed.npy", os.O_WRONLY, 0); err == nil { // by root
		require.NoError(t, f.Close())
		succeed(t, "apply", "-block", "2", "map.npy", "fixed.npy")
		return
	}
	fail(t, 1, "fixed.npy: exists and may not be written: permission denied", "apply", "-block", "2", "map.npy", "fixed.npy")
}

// A device is written to, not replaced: which this command does not do.
func TestOutputToDevice(t *testing.T) {
	workdir(t)
	require.NoError(t, os.Symlink(os.DevNull, "null.npy"))
	fail(t, 1, "null.npy: exists and is not a plain file", "apply", "map.npy", "null.npy")
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.False(t, info.Mode().IsRegular())
}

func TestReplace(t *testing.T) {
	workdir(t)
	flags := []string{"-p", "0.3", "-block", "2", "-seed", "4"}
	succeed(t, "apply", append(flags, "map.npy", "out.npy")...)
	want := read(t, "out.npy")
	input := read(t, "map.npy")
	require.NotEqual(t, input, want)

	t.Run("in place", func(t *testing.T) {
		require.NoError(t, os.WriteFile("same.npy", input, 0o644))
		succeed(t, "apply", append(flags, "same.npy", "same.npy")...)
		require.Equal(t, want, read(t, "same.npy"))
	})
	t.Run("seeds by their mask", func(t *testing.T) {
		require.NoError(t, os.WriteFile("both.npy", read(t, "seeds.npy"), 0o644))
		succeed(t, "dilate", "-block", "3", "both.npy", "both.npy")
		require.Equal(t, read(t, "keep.npy"), read(t, "both.npy"))
	})
	for name := range tree(t, ".") {
		require.NotContains(t, name, ".tmp")
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"help", "-h", "--help", "-help"} {
		status, stdout, stderr := command(args)
		require.Zero(t, status)
		require.Empty(t, stderr)
		for _, v := range verbs() {
			require.Contains(t, stdout, v.usage())
			require.Contains(t, stdout, v.brief)
		}
		for _, f := range commonFlags {
			require.Contains(t, stdout, "\n  -"+f.name+" ")
		}
		require.Contains(t, stdout, "\n  -time ")
	}
	for _, v := range verbs() {
		_, want, _ := command("help", v.name)
		require.True(t, strings.HasPrefix(want, "usage: dropblock "+v.name), want)
		for _, args := range [][]string{{v.name, "-h"}, {v.name, "--help"}, {v.name, "-json", "-help", "x"}} {
			status, stdout, stderr := command(args...)
			require.Zero(t, status)
			require.Empty(t, stderr)
			require.Equal(t, want, stdout)
		}
	}
	_, stdout, _ := command("help", "show")
	require.Contains(t, stdout, "-size")
	for _, name := range []string{"apply", "dilate", "show", "presets", "info"} {
		_, stdout, _ := command("help", name)
		for line := range strings.Lines(stdout) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
		}
	}
}

func TestInfo(t *testing.T) {
	status, stdout, stderr := command("info")
	require.Zero(t, status)
	require.Empty(t, stderr)
	best := dropblock.KernelSets()[0].String()
	for _, row := range []string{"cpu ", "platform ", "features ", "kernels   " + best, "chosen    " + best + ": "} {
		require.True(t, strings.Contains("\n"+stdout, "\n"+row), "%s in\n%s", row, stdout)
	}
	for _, k := range dropblock.KernelSets() {
		require.Contains(t, stdout, k.String())
	}

	status, stdout, _ = command("info", "-json")
	require.Zero(t, status)
	var m infoReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &m))
	require.Equal(t, best, m.Kernel)
	require.Len(t, m.Kernels, len(dropblock.KernelSets()))
	require.NotEmpty(t, m.CPU)
	require.NotEmpty(t, m.Why)
	require.Empty(t, cpuFeatures("wasm"))
}

func TestExitStatus(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	workdir(t)
	for args, want := range map[string]int{
		"help": 0, "apply map.npy out.npy": 0, "apply -p 2 map.npy out.npy": 2, "apply none.npy out.npy": 1,
	} {
		cmd := exec.Command(self, strings.Fields(args)...)
		cmd.Env = append(os.Environ(), "DROPBLOCK_TEST_MAIN=1")
		_ = cmd.Run()
		require.Equal(t, want, cmd.ProcessState.ExitCode(), args)
	}
}

// A report that cannot be printed is an error.
func TestStandardOutputFull(t *testing.T) {
	workdir(t)
	for _, args := range []string{"apply map.npy out.npy", "apply -json map.npy out.npy", "info", "help"} {
		var stderr bytes.Buffer
		require.Equal(t, 1, run(strings.Fields(args), streams{strings.NewReader(""), fullDisk{}, &stderr}))
		require.Contains(t, stderr.String(), "full")
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, fmt.Errorf("full") }
