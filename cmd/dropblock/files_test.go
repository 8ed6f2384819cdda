package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// Standard input and output in place of each file give what the files give, and the report
// then goes to standard error.
func TestStandardFiles(t *testing.T) {
	workdir(t)
	require.NoError(t, os.WriteFile("photo.jpg", encodeJPEG(t, testRGBA()), 0o644))
	for _, c := range []struct{ verb, in, out string }{
		{"apply", "map.npy", "out.npy"},
		{"apply", "photo.png", "out.png"},
		{"apply", "photo.jpg", "out.jpg"},
		{"dilate", "seeds.npy", "out.npy"},
	} {
		flags := []string{"-json", "-p", "0.3", "-block", "3", "-seed", "2", "-mask", "mask.npy"}
		run := func(stdin, in, out string) (report, string) {
			t.Helper()
			status, stdout, stderr := commandIn(stdin, slices.Concat([]string{c.verb, in}, flags, []string{out})...)
			require.Zero(t, status, stderr)
			text := stdout
			if out == "-" {
				text = stderr
			} else {
				require.Empty(t, stderr)
			}
			var r report
			require.NoError(t, json.Unmarshal([]byte(text), &r), text)
			r.Seconds = 0
			return r, stdout
		}
		want, _ := run("", c.in, c.out)
		wantOut, wantMask := read(t, c.out), read(t, "mask.npy")
		for _, in := range []string{c.in, "-"} {
			for _, out := range []string{c.out, "-"} {
				require.NoError(t, os.WriteFile(c.out, nil, 0o644))
				got, stdout := run(string(read(t, c.in)), in, out)
				require.Equal(t, want, got)
				if out == "-" {
					require.Equal(t, string(wantOut), stdout)
				} else {
					require.Equal(t, wantOut, read(t, c.out))
				}
				require.Equal(t, wantMask, read(t, "mask.npy"))
			}
		}
		status, stdout, stderr := commandIn("", c.verb, c.in, c.out, "-p", "0.3", "-block", "3", "-seed", "2", "-mask", "-")
		require.Zero(t, status)
		require.Equal(t, string(wantMask), stdout)
		require.Contains(t, stderr, "drop_rate")
	}
	status, stdout, stderr := command("show", "-", "-json")
	require.Zero(t, status)
	require.True(t, strings.HasPrefix(stdout, "\x89PNG"))
	require.True(t, strings.HasPrefix(stderr, "{"))

	for _, c := range []struct {
		stdin, want string
		status      int
		args        string
	}{
		{"", "standard input: is not a .npy file", 1, "apply - out.npy"},
		{"1 2 3 4 5 6 7 8", "standard input: is not a .npy file", 1, "apply - -"},
		{"1 2 3 4 5 6 7 8", "standard input: is damaged, or no PNG", 1, "apply - out.png"},
		{string(read(t, "photo.png")), "OUT out.npy: want a name that ends in .png or .jpg for IN -", 2, "apply - out.npy"},
		{string(read(t, "map.npy")), "OUT out.png: want a name that ends in .npy for IN -", 2, "apply - out.png"},
		{string(read(t, "map.npy")[:200]), "standard input: has 72 bytes of elements; want 120 times 4", 1, "apply - -"},
		{string(read(t, "map.npy")) + "more", "standard input: has more than 480 bytes of elements; want 120 times 4", 1, "apply - -"},
		{string(read(t, "photo.png")), "-layout nchw: a picture has its own layout", 2, "apply -layout nchw - -"},
	} {
		status, stdout, stderr := commandIn(c.stdin, strings.Fields(c.args)...)
		require.Equal(t, c.status, status, stderr)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.want)
	}

	// What cannot be printed leaves no other file.
	before := tree(t, ".")
	var errs bytes.Buffer
	require.Equal(t, 1, run([]string{"apply", "map.npy", "-", "-mask", "new.npy"}, streams{strings.NewReader(""), fullDisk{}, &errs}))
	require.Equal(t, "dropblock apply: standard output: full\n", errs.String())
	require.Equal(t, before, tree(t, "."))
}

// Flags and files in any order; what follows -- is a file.
func TestFlagsAnywhere(t *testing.T) {
	workdir(t)
	want := succeed(t, "apply", "-p", "0.3", "-block", "2", "map.npy", "want.npy")
	for _, args := range []string{
		"map.npy out.npy -p 0.3 -block 2", "map.npy -p 0.3 out.npy -block=2", "-p 0.3 map.npy -block 2 -- out.npy",
		"-p 0.3 -block 2 -- map.npy out.npy", "map.npy out.npy --p 0.3 -block 2 --", "-p 0.1 map.npy out.npy -p 0.3 -block 2",
	} {
		require.NoError(t, os.WriteFile("out.npy", nil, 0o644))
		got := succeed(t, "apply", strings.Fields(args)...)
		got.Seconds = want.Seconds
		require.Equal(t, want, got)
		require.Equal(t, read(t, "want.npy"), read(t, "out.npy"), args)
	}
	require.NoError(t, os.Rename("map.npy", "-p.npy"))
	succeed(t, "apply", "--", "-p.npy", "out.npy")
}

// Without -time nothing is timed.
func TestTime(t *testing.T) {
	workdir(t)
	for _, args := range []string{"apply map.npy out.npy", "dilate -block 3 seeds.npy out.npy", "show out.png"} {
		require.Nil(t, succeed(t, strings.Fields(args)[0], strings.Fields(args)[1:]...).NsPerElement)
		require.Positive(t, *succeed(t, strings.Fields(args)[0], append(strings.Fields(args)[1:], "-time")...).NsPerElement)
		_, stdout, _ := command(strings.Fields(args)...)
		require.NotContains(t, stdout, "ns_per_element")
		_, stdout, _ = command(append(strings.Fields(args), "-time")...)
		require.Contains(t, stdout, "ns_per_element")
	}
	// Repeated calls do not add up.
	writeMap(t, "large.npy", 2, 3, 30, 30)
	succeed(t, "apply", "-p", "0.3", "large.npy", "once.npy")
	succeed(t, "apply", "-p", "0.3", "-time", "large.npy", "often.npy")
	require.Equal(t, read(t, "once.npy"), read(t, "often.npy"))
}

func TestMaxPixels(t *testing.T) {
	workdir(t)
	fail(t, 1, "photo.png: is too large or damaged: 37x23 pixels in a file of", "apply", "-max-pixels", "850", "photo.png", "out.png")
	fail(t, 1, "want at most 850 pixels (-max-pixels)", "apply", "-max-pixels", "850", "photo.png", "out.png")
	succeed(t, "apply", "-max-pixels", "851", "photo.png", "out.png")
}

// The report has what it takes to make the files again.
func TestReproduce(t *testing.T) {
	workdir(t)
	writeMap(t, "in.npy", 4, 3, 12, 13)
	for _, flags := range []string{
		"", "-p 0.3 -ramp 0.1:20 -step 7 -seed 5 -layer 3 -sample-offset 2",
		"-preset timm -gamma-scale 1.5", "-preset miguelvr -p 0.3 -block 4", "-preset spatialdropout -share all",
		"-block 0.5 -gamma exact -norm plane", "-block 3x5 -region full -even after -clip square -share batch -gamma given -p 0.01",
		"-layout nhwc -norm sample -fill noise",
	} {
		succeed(t, "apply", append(strings.Fields(flags), "-mask", "mask.npy", "in.npy", "out.npy")...)
		want := [][]byte{read(t, "out.npy"), read(t, "mask.npy")}
		_, stdout, _ := command(append(strings.Fields("apply -json in.npy out.npy "+flags), "-mask", "mask.npy")...)
		var r map[string]any
		d := json.NewDecoder(strings.NewReader(stdout))
		d.UseNumber()
		require.NoError(t, d.Decode(&r))
		args := []string{"apply", "again.npy", "-mask", "mask2.npy"}
		args = slices.Insert(args, 1, "in.npy")
		for _, name := range []string{
			"p", "ramp", "block", "region", "even", "clip", "gamma-scale", "share", "norm", "layout", "fill", "seed", "layer", "step", "sample-offset",
		} {
			if v, ok := r[strings.ReplaceAll(name, "-", "_")]; ok {
				args = append(args, "-"+name, strings.Trim(string(must(json.Marshal(v))), `"`))
			}
		}
		args = append(args, "-gamma", r["gamma_rule"].(string))
		status, _, stderr := command(args...)
		require.Zero(t, status, "%s: %s", args, stderr)
		require.Equal(t, want, [][]byte{read(t, "again.npy"), read(t, "mask2.npy")}, "%s: %s", flags, args)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPresets(t *testing.T) {
	status, stdout, _ := command("presets")
	require.Zero(t, status)
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, len([]rune(line)), 81)
	}
	_, text, _ := command("presets", "-json")
	var list []presetReport
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list, 15)
	t.Chdir(t.TempDir())
	writeMap(t, "in.npy", 3, 4, 9, 6)
	for _, p := range list {
		require.Contains(t, "\n"+stdout, "\n"+p.Name+" ")
		for _, size := range []string{"7", "4"} {
			args := []string{"-p", "0.3", "-mask", "mask.npy", "in.npy", "out.npy"}
			if !strings.Contains(strings.Join(p.Flags, " "), "-block") {
				args = append(args, "-block", size)
			}
			want := succeed(t, "apply", append(args, strings.Fields(strings.Join(p.Flags, " "))...)...)
			wantOut := append(read(t, "out.npy"), read(t, "mask.npy")...)
			got := succeed(t, "apply", append(args, "-preset", p.Name)...)
			require.Equal(t, wantOut, append(read(t, "out.npy"), read(t, "mask.npy")...), p.Name)
			require.Equal(t, p.Name, got.Preset)
			got.Preset, got.Seconds = "", want.Seconds
			require.Equal(t, want, got)
		}
	}
}

// start starts this binary as the command.
func start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "DROPBLOCK_TEST_MAIN=1")
	return cmd
}

// The command is a stage of a pipeline, whatever the pieces that it gets.
func TestPipeline(t *testing.T) {
	workdir(t)
	writeMap(t, "in.npy", 40, 30, 31, 33)
	succeed(t, "apply", "-seed", "3", "in.npy", "want.npy")
	cmd := start(t, "apply", "-seed", "3", "-", "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	data := read(t, "in.npy")
	go func() {
		defer stdin.Close()
		for len(data) > 0 {
			n := min(len(data), 77777)
			if _, err := stdin.Write(data[:n]); err != nil {
				return
			}
			data = data[n:]
		}
	}()
	out, err := cmd.Output()
	require.NoError(t, err)
	require.True(t, bytes.Equal(read(t, "want.npy"), out))

	// A file at standard input need not be at its beginning.
	two := slices.Concat([]byte("skipped"), read(t, "in.npy"))
	require.NoError(t, os.WriteFile("two", two, 0o644))
	f, err := os.Open("two")
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Seek(7, io.SeekStart)
	require.NoError(t, err)
	cmd = start(t, "apply", "-seed", "3", "-", "out.npy")
	cmd.Stdin = f
	require.NoError(t, cmd.Run())
	require.Equal(t, read(t, "want.npy"), read(t, "out.npy"))
}

// Layouts, of which N, or N and C, may be missing. The mask has the dimensions of the map, 1
// where elements share it, and seeds have those of the mask.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		layout string
		dims   []int
		axes   string
		shape  dropblock.Shape
	}{
		{"", []int{9, 11}, "HW", dropblock.NCHW(1, 1, 9, 11)},
		{"", []int{3, 9, 11}, "CHW", dropblock.NCHW(1, 3, 9, 11)},
		{"", []int{2, 3, 9, 11}, "NCHW", dropblock.NCHW(2, 3, 9, 11)},
		{"", []int{2, 3, 4, 9, 11}, "NCDHW", dropblock.NCDHW(2, 3, 4, 9, 11)},
		{"nchw", []int{3, 9, 11}, "CHW", dropblock.NCHW(1, 3, 9, 11)},
		{"nhwc", []int{2, 9, 11, 3}, "NHWC", dropblock.NHWC(2, 9, 11, 3)},
		{"nhwc", []int{9, 11, 3}, "HWC", dropblock.NHWC(1, 9, 11, 3)},
		{"nhwc", []int{9, 11}, "HW", dropblock.NHWC(1, 9, 11, 1)},
		{"ncw", []int{2, 3, 50}, "NCW", dropblock.NCW(2, 3, 50)},
		{"ncw", []int{3, 50}, "CW", dropblock.NCW(1, 3, 50)},
		{"ncw", []int{50}, "W", dropblock.NCW(1, 1, 50)},
		{"nwc", []int{2, 50, 3}, "NWC", dropblock.NWC(2, 50, 3)},
		{"nwc", []int{50, 3}, "WC", dropblock.NWC(1, 50, 3)},
		{"nwc", []int{50}, "W", dropblock.NWC(1, 50, 1)},
		{"ncdhw", []int{3, 4, 9, 11}, "CDHW", dropblock.NCDHW(1, 3, 4, 9, 11)},
		{"ncdhw", []int{4, 9, 11}, "DHW", dropblock.NCDHW(1, 1, 4, 9, 11)},
		{"ndhwc", []int{2, 4, 9, 11, 3}, "NDHWC", dropblock.NDHWC(2, 4, 9, 11, 3)},
		{"ndhwc", []int{4, 9, 11, 3}, "DHWC", dropblock.NDHWC(1, 4, 9, 11, 3)},
		{"ndhwc", []int{4, 9, 11}, "DHW", dropblock.NDHWC(1, 4, 9, 11, 1)},
	} {
		for _, share := range []dropblock.Share{dropblock.ShareNone, dropblock.ShareChannels, dropblock.ShareBatch, dropblock.ShareAll} {
			t.Run(strings.Join([]string{c.layout, join(c.dims), share.String()}, " "), func(t *testing.T) {
				t.Chdir(t.TempDir())
				x := writeMap(t, "in.npy", c.dims...)
				layer, err := dropblock.New(dropblock.Config{DropProb: 0.3, Block: dropblock.Square(3), Share: share, Seed: 9})
				require.NoError(t, err)
				var m dropblock.Mask
				layer.Sample(&m, c.shape, 4)
				want := make([]float32, len(x))
				dropblock.Apply(want, x, &m)
				maskDims := slices.Clone(c.dims)
				for i, axis := range c.axes {
					if axis == 'C' && share != dropblock.ShareNone && share != dropblock.ShareBatch ||
						axis == 'N' && share != dropblock.ShareNone && share != dropblock.ShareChannels {
						maskDims[i] = 1
					}
				}
				flags := []string{"-p", "0.3", "-block", "3", "-share", share.String(), "-seed", "9", "-step", "4"}
				if c.layout != "" {
					flags = append(flags, "-layout", c.layout)
				}
				r := succeed(t, "apply", append(flags, "-mask", "mask.npy", "in.npy", "out.npy")...)
				y, dims := loadFloats(t, "out.npy")
				require.Equal(t, c.dims, dims)
				require.Equal(t, floatBits(want), floatBits(y))
				keep, dims := loadMask(t, "mask.npy")
				require.Equal(t, maskDims, dims)
				require.Equal(t, maskBytes(&m), keep)
				require.Equal(t, c.dims, r.Shape)
				require.Equal(t, strings.ToLower(c.shape.Layout().String()), r.Layout)

				seeds := make([]uint64, len(m.Words()))
				layer.DrawSeeds(seeds, c.shape, dropblock.Position{Step: 4})
				writeBits(t, "seeds.npy", maskDims, seeds)
				r = succeed(t, "dilate", append(flags, "-mask", "again.npy", "seeds.npy", "grown.npy")...)
				require.Equal(t, maskDims, r.Shape)
				require.Equal(t, read(t, "mask.npy"), read(t, "grown.npy"))
				require.Equal(t, read(t, "mask.npy"), read(t, "again.npy"))
				if !slices.Equal(maskDims, c.dims) {
					writeBits(t, "seeds.npy", c.dims, make([]uint64, (len(x)+63)/64))
					fail(t, 1, "; want 1 with -share "+share.String(), append([]string{"dilate", "seeds.npy", "new.npy"}, flags...)...)
				}
			})
		}
	}
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		dims         []int
		layout, want string
	}{
		{[]int{2, 3, 4, 5}, "ncw", "has 4 dimensions; want 1 to 3: (W), (C,W) or (N,C,W) with -layout ncw"},
		{[]int{5}, "nhwc", "has 1 dimensions; want 2 to 4: (H,W), (H,W,C) or (N,H,W,C) with -layout nhwc"},
		{[]int{2, 3, 4, 5, 6}, "nchw", "has 5 dimensions; want 2 to 4: (H,W), (C,H,W) or (N,C,H,W) with -layout nchw"},
		{[]int{2, 3}, "ndhwc", "has 2 dimensions; want 3 to 5: (D,H,W), (D,H,W,C) or (N,D,H,W,C) with -layout ndhwc"},
	} {
		writeMap(t, "in.npy", c.dims...)
		fail(t, 1, "in.npy: "+c.want, "apply", "-layout", c.layout, "in.npy", "out.npy")
		fail(t, 1, "in.npy: "+c.want, "dilate", "-layout", c.layout, "in.npy", "out.npy")
	}
}

// checkDtype holds the elements that are written as an array of E to the library's, in
// either order of bytes.
func checkDtype[E dropblock.Float](t *testing.T, descr, name string, value func(v float32) E, flags ...string) {
	t.Helper()
	const n = 2 * 3 * 12 * 13
	x := make([]E, n)
	for i := range x {
		x[i] = value(float32(i%61)/7 - 3)
	}
	layer, err := dropblock.New(dropblock.Config{DropProb: 0.3, Block: dropblock.Square(5), Norm: dropblock.NormSample, Seed: 8})
	require.NoError(t, err)
	var m dropblock.Mask
	layer.Sample(&m, dropblock.NCHW(2, 3, 12, 13), 0)
	want, noisy := make([]E, n), make([]E, n)
	dropblock.Apply(want, x, &m)
	dropblock.ApplyNoise(noisy, x, &m)
	require.NotEqual(t, want, noisy)
	for _, mark := range []string{descr[:1], ">"} {
		order := binary.ByteOrder(binary.LittleEndian)
		if mark == ">" {
			order = binary.BigEndian
		}
		encode := func(elems []E) []byte {
			dict := "{'descr': '" + mark + descr[1:] + "', 'fortran_order': False, 'shape': (2, 3, 12, 13), }"
			dict += strings.Repeat(" ", 128-10-1-len(dict))
			return must(binary.Append(npyFile(dict, 0), order, elems))
		}
		require.NoError(t, os.WriteFile("in.npy", encode(x), 0o644))
		flags := append(flags[:len(flags):len(flags)], "-p", "0.3", "-block", "5", "-norm", "sample", "-seed", "8", "in.npy", "out.npy")
		r := succeed(t, "apply", flags...)
		require.Equal(t, encode(want), read(t, "out.npy"), "%s%s", mark, descr[1:])
		require.Equal(t, name, r.Dtype)
		for _, extra := range [][]string{{"-fill", "noise"}, {"-fill=noise", "-time"}} {
			r = succeed(t, "apply", append(flags[:len(flags):len(flags)], extra...)...)
			require.Equal(t, encode(noisy), read(t, "out.npy"), "%s%s", mark, descr[1:])
			require.Equal(t, "noise", r.Fill)
		}
	}
}

func TestDtypes(t *testing.T) {
	t.Chdir(t.TempDir())
	checkDtype(t, "<f2", "float16", dropblock.NewFloat16)
	checkDtype(t, "<f4", "float32", func(v float32) float32 { return v })
	checkDtype(t, "<f8", "float64", func(v float32) float64 { return float64(v) / 3 })
	checkDtype(t, "<V2", "bfloat16", dropblock.NewBFloat16, "-dtype", "bfloat16")
	checkDtype(t, "|V2", "bfloat16", dropblock.NewBFloat16, "-dtype", "bfloat16")
	checkDtype(t, "<u2", "bfloat16", dropblock.NewBFloat16, "-dtype", "bfloat16")
	for _, c := range []struct{ descr, flags, want string }{
		{"<V2", "", "has dtype <V2; want float16, float32 or float64, or -dtype bfloat16 if that is what it is"},
		{"<u2", "", "has dtype uint16 (<u2); want float16, float32 or float64, or -dtype bfloat16 if that is what it is"},
		{"<i2", "", "has dtype int16 (<i2); want float16, float32 or float64"},
		{"<V4", "", "has dtype <V4; want float16, float32 or float64"},
		{"<f2", "-dtype bfloat16", "has dtype float16 (<f2); want V2 or u2 with -dtype bfloat16"},
		{"<f4", "-dtype bfloat16", "has dtype float32 (<f4); want V2 or u2 with -dtype bfloat16"},
		{"<i2", "-dtype bfloat16", "has dtype int16 (<i2); want V2 or u2 with -dtype bfloat16"},
	} {
		require.NoError(t, os.WriteFile("in.npy", npyFile("{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (0, 2), }", 0), 0o644))
		fail(t, 1, "in.npy: "+c.want, append(strings.Fields("apply in.npy new.npy"), strings.Fields(c.flags)...)...)
	}
	require.NoError(t, os.WriteFile("in.npy", npyFile("{'descr': '<V2', 'fortran_order': False, 'shape': (1, 2), }", 4), 0o644))
	fail(t, 1, "in.npy: has dtype <V2; want bool, an integer or a float, or -dtype bfloat16 if that is what it is", "dilate", "in.npy", "new.npy")
	seeds := append(npyFile("{'descr': '<V2', 'fortran_order': False, 'shape': (1, 2), }", 0), 0x80, 0x3F, 0, 0x80)
	require.NoError(t, os.WriteFile("in.npy", seeds, 0o644))
	succeed(t, "dilate", "in.npy", "out.npy", "-block", "1", "-dtype", "bfloat16")
	keep, _ := loadMask(t, "out.npy")
	require.Equal(t, []byte{0, 1}, keep)
}
