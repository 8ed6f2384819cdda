package dropblock_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

// text is what all types that have a text implement, by pointer.
type text interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
	fmt.Stringer
}

// texts are values and their text.
var texts = []struct {
	value text // a pointer
	text  string
}{
	{ptr(dropblock.EvenBefore), "before"}, {ptr(dropblock.EvenAfter), "after"},
	{ptr(dropblock.RegionValid), "valid"}, {ptr(dropblock.RegionFull), "full"},
	{ptr(dropblock.GammaPaper), "paper"}, {ptr(dropblock.GammaSimple), "simple"},
	{ptr(dropblock.GammaExact), "exact"}, {ptr(dropblock.GammaGiven), "given"},
	{ptr(dropblock.ClipAxes), "axes"}, {ptr(dropblock.ClipSquare), "square"}, {ptr(dropblock.ClipNone), "none"},
	{ptr(dropblock.ShareNone), "none"}, {ptr(dropblock.ShareChannels), "channels"},
	{ptr(dropblock.ShareBatch), "batch"}, {ptr(dropblock.ShareAll), "all"},
	{ptr(dropblock.NormTensor), "tensor"}, {ptr(dropblock.NormNone), "none"}, {ptr(dropblock.NormSample), "sample"},
	{ptr(dropblock.NormPlane), "plane"}, {ptr(dropblock.NormExpected), "expected"},
	{ptr(dropblock.LayoutNCHW), "NCHW"}, {ptr(dropblock.LayoutNHWC), "NHWC"}, {ptr(dropblock.LayoutNDHWC), "NDHWC"},
	{ptr(dropblock.Ramp{}), ""}, {ptr(dropblock.Ramp{From: .05, Steps: 2000}), "0.05:2000"}, {ptr(dropblock.Ramp{Steps: 1}), "0:1"},
	{ptr(dropblock.Fraction(.5)), "0.5"}, {ptr(dropblock.Fraction(1)), "1.0"}, {ptr(dropblock.Fraction(1e-300)), dropblock.Fraction(1e-300).String()},
	{ptr(dropblock.Cuboid(3, 7, 5)), "3x7x5"}, {ptr(dropblock.NDHWC(2, 4, 5, 7, 3)), "NDHWC 2x4x5x7x3"},
	{ptr(dropblock.KernelSet{}), "auto"}, {ptr(dropblock.KernelSets()[0]), dropblock.KernelSets()[0].String()},
	{ptr(dropblock.Square(7)), "7"}, {ptr(dropblock.Rect(7, 7)), "7x7"}, {ptr(dropblock.Rect(3, 5)), "3x5"},
	{ptr(dropblock.Square(1)), "1"}, {ptr(dropblock.Square(math.MaxInt32)), "2147483647"},
	{ptr(dropblock.NCHW(32, 256, 14, 14)), "NCHW 32x256x14x14"}, {ptr(dropblock.Shape{}), "NCHW 0x0x0x0"},
}

func ptr[T any](v T) *T { return &v }

func TestText(t *testing.T) {
	for _, c := range texts {
		require.Equal(t, c.text, c.value.String())
		data, err := c.value.MarshalText()
		require.NoError(t, err)
		require.Equal(t, c.text, string(data))
		fresh := reflect.New(reflect.TypeOf(c.value).Elem()).Interface().(text)
		require.NoError(t, fresh.UnmarshalText(data))
		require.Equal(t, c.value, fresh)
		if b, ok := fresh.(encoding.BinaryMarshaler); ok {
			binary, err := b.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, data, binary)
			fresh = reflect.New(reflect.TypeOf(c.value).Elem()).Interface().(text)
			require.NoError(t, fresh.(encoding.BinaryUnmarshaler).UnmarshalBinary(binary))
			require.Equal(t, c.value, fresh)
		}
	}
	require.NotEqual(t, dropblock.Square(7), dropblock.Rect(7, 7))
	require.Equal(t, dropblock.Shape{}, dropblock.NCHW(0, 0, 0, 0))

	var cuboid dropblock.Block
	require.NoError(t, cuboid.UnmarshalText([]byte("3x7x5")))
	d, h, w := cuboid.Size()
	require.Equal(t, [3]int{3, 7, 5}, [3]int{d, h, w})
	require.Equal(t, "3x7x5", cuboid.String())

	// The zero Block, which New refuses, has a text, so that a zero Config can be stored.
	data, err := dropblock.Block{}.MarshalText()
	require.NoError(t, err)
	require.Empty(t, data)
	require.NoError(t, cuboid.UnmarshalText(data))
	require.Zero(t, cuboid)
}

// What is no text of a type is refused with what would be right, and the value stays.
func TestTextBad(t *testing.T) {
	const blocks = "want a size, 7, or rows and columns, 7x5, or three sizes, 3x7x5, of 1 or more, or a fraction of the map, with a point, 0.5, of 1.0 at most"
	const shapes = "want a layout and its extents, such as NCHW 32x256x14x14"
	for _, c := range []struct {
		value text
		bad   []string
		want  string // the text is put for %q
	}{
		{ptr(dropblock.EvenAfter), []string{"", "After", "after ", "1"}, "Even is %q, want before or after"},
		{ptr(dropblock.RegionFull), []string{"", "all"}, "Region is %q, want valid or full"},
		{ptr(dropblock.GammaSimple), []string{"", "none"}, "GammaRule is %q, want paper, simple, exact or given"},
		{ptr(dropblock.ShareChannels), []string{"", "channel"}, "Share is %q, want none, channels, batch or all"},
		{ptr(dropblock.NormNone), []string{"", "l2", "Norm(1)"}, "Norm is %q, want tensor, none, sample, plane or expected"},
		{ptr(dropblock.LayoutNCHW), []string{"", "nchw", "NCHW "}, "Layout is %q, want NCHW, NHWC, NCW, NWC, NCDHW or NDHWC"},
		{ptr(dropblock.KernelSets()[0]), []string{"", "AVX2", "sse"}, "KernelSet is %q, want auto, generic, avx2, avx512 or neon"},
		{ptr(dropblock.Square(5)), []string{"0", "x", "7x", "x7", "7x0", "-7", "+7", "7x-5", "7 ", "1x2x3x4", "7X5", "99999999999999999999", ".", "0.0", "1.5", "-0.5", "0.5x0.5", "5e-1", "0x.8p0"}, "Block is %q, " + blocks},
		{ptr(dropblock.ClipNone), []string{"", "off"}, "Clip is %q, want axes, square or none"},
		{ptr(dropblock.Ramp{From: .1, Steps: 5}), []string{"0", ":", "0:", ":5", "1.5:5", "-0.1:5", "NaN:5", "0.5:0", "0:-1", "0:5:6", "0:1e3"}, "Ramp is %q, want a drop probability from 0 to 1 and a number of steps, 0:2000"},
		{ptr(dropblock.NCHW(1, 2, 3, 4)), []string{"", "NCHW", "NCHW ", "1x2x3x4", "nchw 1x2x3x4", "NCHW 1x2x3", "NCHW 1x2x3x4x5", "NCHW 1x2x3x-4", "NCW 1x2x3x4", "NCHW  1x2x3x4"}, "Shape is %q, " + shapes},
	} {
		for _, bad := range c.bad {
			before := c.value.String()
			require.EqualError(t, c.value.UnmarshalText([]byte(bad)), "dropblock: "+fmt.Sprintf(c.want, bad))
			require.Equal(t, before, c.value.String())
		}
	}
	var s dropblock.Shape
	require.EqualError(t, s.UnmarshalText([]byte("NCHW 1x65536x65536x65536")),
		"dropblock: shape NCHW 1x65536x65536x65536: a sample has too many elements, want 2147483647 at most")
	require.Zero(t, s)

	for _, c := range []struct {
		value encoding.TextMarshaler
		want  string
	}{
		{dropblock.Even(9), "Even is Even(9), want before or after"},
		{dropblock.Clip(9), "Clip is Clip(9), want axes, square or none"},
		{dropblock.Ramp{From: 2, Steps: 1}, "Ramp.From is 2, want a probability from 0 to 1"},
		{dropblock.Fraction(2), "Block is the fraction 2, want more than 0 and at most 1"},
		{dropblock.Region(9), "Region is Region(9), want valid or full"},
		{dropblock.GammaRule(9), "GammaRule is GammaRule(9), want paper, simple, exact or given"},
		{dropblock.Share(9), "Share is Share(9), want none, channels, batch or all"},
		{dropblock.Norm(255), "Norm is Norm(255), want tensor, none, sample, plane or expected"},
		{dropblock.Layout(9), "Layout is Layout(9), want NCHW, NHWC, NCW, NWC, NCDHW or NDHWC"},
		{dropblock.Rect(0, 5), "Block is 0x5, want sizes of 1 or more"},
		{dropblock.NCHW(1, 2, -3, 4), "shape NCHW 1x2x-3x4: H is -3, want 0 or more"},
	} {
		_, err := c.value.MarshalText()
		require.EqualError(t, err, "dropblock: "+c.want)
	}
}

// A Config with no field at its default.
func fullConfig() dropblock.Config {
	return dropblock.Config{
		DropProb: 0.25, Ramp: dropblock.Ramp{From: 0.05, Steps: 2}, Block: dropblock.Rect(2, 3), Clip: dropblock.ClipNone,
		Even: dropblock.EvenAfter, Region: dropblock.RegionFull, Gamma: dropblock.GammaSimple, GammaScale: 0.5, Share: dropblock.ShareChannels, Norm: dropblock.NormNone, Seed: 1<<64 - 1, Layer: 2,
		Kernels: dropblock.KernelSets()[0], Workers: 3,
	}
}

func TestConfigStored(t *testing.T) {
	full := fullConfig()
	for i, v := 0, reflect.ValueOf(full); i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; name != "_" {
			require.False(t, v.Field(i).IsZero(), "%s is not tried", name)
		}
	}
	for _, cfg := range []dropblock.Config{full, {}, {Block: dropblock.Square(7)}} {
		data, err := json.Marshal(cfg)
		require.NoError(t, err)
		var got dropblock.Config
		require.NoError(t, json.Unmarshal(data, &got))
		require.Equal(t, cfg, got)

		var b bytes.Buffer
		require.NoError(t, gob.NewEncoder(&b).Encode(cfg))
		got = dropblock.Config{}
		require.NoError(t, gob.NewDecoder(&b).Decode(&got))
		require.Equal(t, cfg, got)
	}
	full.Kernels = dropblock.KernelSet{}
	data, err := json.Marshal(full)
	require.NoError(t, err)
	require.JSONEq(t, `{"DropProb": 0.25, "Ramp": "0.05:2", "Block": "2x3", "Clip": "none", "Even": "after", "Region": "full",
		"Gamma": "simple", "GammaScale": 0.5,
		"Share": "channels", "Norm": "none", "Seed": 18446744073709551615, "Layer": 2, "Kernels": "auto", "Workers": 3}`, string(data))

	// Shapes too are stored whole.
	var b bytes.Buffer
	require.NoError(t, gob.NewEncoder(&b).Encode(dropblock.NCHW(1, 2, 3, 4)))
	var s dropblock.Shape
	require.NoError(t, gob.NewDecoder(&b).Decode(&s))
	require.Equal(t, dropblock.NCHW(1, 2, 3, 4), s)
}

// A set that another machine has can be read, but neither made a layer of nor used.
func TestKernelSetOfAnotherMachine(t *testing.T) {
	names := "auto or generic"
	if sets := dropblock.KernelSets(); len(sets) > 1 {
		names = "auto"
		for _, k := range sets[:len(sets)-1] {
			names += ", " + k.String()
		}
		names += " or generic"
	}
	others := 0
	for _, name := range []string{"avx2", "avx512", "neon"} {
		if _, err := dropblock.ParseKernelSet(name); err == nil {
			continue
		}
		others++
		var cfg dropblock.Config
		require.NoError(t, json.Unmarshal([]byte(`{"Block": "7", "Kernels": "`+name+`"}`), &cfg))
		require.Equal(t, name, cfg.Kernels.String())
		_, err := dropblock.New(cfg)
		require.EqualError(t, err, "dropblock: Kernels is "+name+", want "+names+", which this CPU runs")
		want := "dropblock: the kernel set is " + name + ", want " + names + ", which this CPU runs"
		require.PanicsWithValue(t, want, func() { cfg.Kernels.Count(make([]uint64, 1)) })
		require.PanicsWithValue(t, want, func() { dropblock.Scale(cfg.Kernels, make([]float64, 1), make([]float64, 1), make([]uint64, 1), 2) })
	}
	require.NotZero(t, others, "no CPU runs all sets")
}

// What is printed of a filled mask is a line, and of what is nil or zero too.
func TestStrings(t *testing.T) {
	layer := newLayer(t, fullConfig())
	var m dropblock.Mask
	layer.Sample(&m, dropblock.NCHW(8, 16, 64, 64), 3)
	line := func(v any) string {
		t.Helper()
		plain, plus := fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v)
		require.Equal(t, plain, plus)
		require.Less(t, len(plain), 250)
		require.NotContains(t, plain, "\n")
		return plain
	}
	require.Equal(t, fmt.Sprintf("mask for NCHW 8x16x64x64: %d of 32768 dropped by %d seeds, scale 1", m.Dropped(), m.SeedCount()), line(&m))
	require.Equal(t, "mask, not filled", line(new(dropblock.Mask)))
	require.Equal(t, "mask <nil>", line((*dropblock.Mask)(nil)))
	require.Equal(t, "layer: drop 0.25 (ramp 0.05:2) by blocks of 2x3, clip none, even after, region full, gamma simple times 0.5, share channels, norm none, seed 18446744073709551615, layer 2, kernels "+
		dropblock.KernelSets()[0].String(), line(layer))
	require.Equal(t, "layer, not from New", line(new(dropblock.Layer)))
	require.Equal(t, "layer, not from New", line((*dropblock.Layer)(nil)))
}
