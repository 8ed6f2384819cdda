package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/stretchr/testify/require"
)

const testW, testH = 37, 23

// fillImage paints a picture with colours that show where they come from.
func fillImage[I interface {
	image.Image
	Set(x, y int, c color.Color)
}](img I, opaque bool) I {
	for y := range testH {
		for x := range testW {
			c := color.NRGBA64{uint16(x*1700 + 300), uint16(y*2800 + 513), uint16((x + y) * 1000), 0xFFFF}
			if !opaque {
				c.A = uint16(x*y*70 + 1)
			}
			img.Set(x, y, c)
		}
	}
	return img
}

var testRect = image.Rect(0, 0, testW, testH)

func testRGBA() image.Image { return fillImage(image.NewNRGBA(testRect), true) }

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

func encodeJPEG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

// fixCRC sets the checksum of a PNG's chunk, of its type and data.
func fixCRC(chunk []byte) {
	n := len(chunk) - 4
	binary.BigEndian.PutUint32(chunk[n:], crc32.ChecksumIEEE(chunk[:n]))
}

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0xFF
	return data
}

// grayAlpha is a PNG of gray with alpha, which package png does not write.
func grayAlpha(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, fillImage(image.NewGray16(testRect), true)))
	data := b.Bytes()
	// 16-bit gray is 8-bit gray with alpha in another reading of the same bytes.
	data[24], data[25] = 8, 4
	fixCRC(data[12:33])
	return data
}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, _, err := image.Decode(f)
	require.NoError(t, err)
	return img
}

// channel is a channel of a pixel, 3 being alpha, in 16 bits, without the
// rounding of a detour through premultiplied colour.
func channel(img image.Image, c, x, y int) uint32 {
	switch p := img.At(x, y).(type) {
	case color.NRGBA:
		return 257 * uint32([4]uint8{p.R, p.G, p.B, p.A}[c])
	case color.NRGBA64:
		return uint32([4]uint16{p.R, p.G, p.B, p.A}[c])
	case color.YCbCr:
		r, g, b := color.YCbCrToRGB(p.Y, p.Cb, p.Cr)
		return 257 * uint32([4]uint8{r, g, b, 0xFF}[c])
	default: // Opaque.
		r, g, b, a := p.RGBA()
		return [4]uint32{r, g, b, a}[c]
	}
}

// A picture goes through the library as what its pixels are: each channel a
// plane, alpha none, dropped black, the rest scaled, rounded and clipped.
func TestPicture(t *testing.T) {
	palette := color.Palette{}
	for i := range 40 {
		palette = append(palette, color.NRGBA{uint8(6 * i), uint8(255 - 3*i), uint8(i), uint8(255 - i%2*100)})
	}
	paletted := image.NewPaletted(testRect, palette)
	for i := range paletted.Pix {
		paletted.Pix[i] = uint8(i % 40)
	}
	encode := func(img image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		return b.Bytes()
	}
	ga := grayAlpha(t)
	for _, c := range []struct {
		name     string
		data     []byte
		channels int
		most     uint32
	}{
		{"gray.png", encode(fillImage(image.NewGray(testRect), true)), 1, 255},
		{"gray16.png", encode(fillImage(image.NewGray16(testRect), true)), 1, 65535},
		{"rgb.png", encode(testRGBA()), 3, 255},
		{"rgba.png", encode(fillImage(image.NewNRGBA(testRect), false)), 3, 255},
		{"rgb16.png", encode(fillImage(image.NewNRGBA64(testRect), true)), 3, 65535},
		{"rgba16.png", encode(fillImage(image.NewNRGBA64(testRect), false)), 3, 65535},
		{"palette.png", encode(paletted), 3, 255},
		{"gray-alpha.png", ga, 1, 255},
		{"rgb.jpg", encodeJPEG(t, testRGBA()), 3, 255},
		{"gray.JPEG", encodeJPEG(t, fillImage(image.NewGray(testRect), true)), 1, 255},
	} {
		for _, share := range []string{"none", "channels"} {
			t.Run(c.name+" "+share, func(t *testing.T) {
				t.Chdir(t.TempDir())
				require.NoError(t, os.WriteFile(c.name, c.data, 0o644))
				r := succeed(t, "apply", "-p", "0.3", "-block", "5", "-seed", "3", "-share", share, "-mask", "mask.npy", c.name, "out.png")
				require.Equal(t, []int{1, c.channels, testH, testW}, r.Shape)
				require.Positive(t, r.Dropped)
				keep, dims := loadMask(t, "mask.npy")
				masks := c.channels
				if share == "channels" {
					masks = 1
				}
				require.Equal(t, []int{1, masks, testH, testW}, dims)

				in, out := decode(t, c.name), decode(t, "out.png")
				require.Equal(t, testRect, out.Bounds())
				unit := 65535 / c.most
				clipped := 0
				for ch := range 3 {
					for y := range testH {
						for x := range testW {
							plane := ch % masks
							if c.channels == 1 {
								plane = 0
							}
							want := uint32(0)
							if keep[(plane*testH+y)*testW+x] == 1 {
								v := float32(channel(in, ch, x, y)/unit) * float32(*r.Scale)
								want = min(uint32(v+0.5), c.most)
								if v > float32(c.most) {
									clipped++
								}
							}
							got := channel(out, ch, x, y) / unit
							require.Equal(t, want, got, "channel %d at %d, %d", ch, x, y)
						}
					}
				}
				require.Positive(t, clipped)
				for y := range testH {
					for x := range testW {
						require.Equal(t, channel(in, 3, x, y), channel(out, 3, x, y), "alpha at %d, %d", x, y)
					}
				}
				// The picture stays of its kind.
				outData := read(t, "out.png")
				depth, colourType := outData[24], outData[25]
				require.Equal(t, c.most == 65535, depth == 16)
				if c.channels == 1 && c.name != "gray-alpha.png" {
					require.Zero(t, colourType)
				}
				for _, k := range dropblock.KernelSets() {
					succeed(t, "apply", "-p", "0.3", "-block", "5", "-seed", "3", "-share", share, "-kernel", k.String(), c.name, "again.png")
					require.Equal(t, outData, read(t, "again.png"))
				}
			})
		}
	}
}

func TestPictureIdentity(t *testing.T) {
	t.Chdir(t.TempDir())
	img := fillImage(image.NewNRGBA64(testRect), false)
	writePNG(t, "in.png", img)
	succeed(t, "apply", "-p", "0", "in.png", "in.png")
	require.Equal(t, img, decode(t, "in.png"))
	succeed(t, "apply", "-p", "1", "-block", "1", "in.png", "out.png")
	for i, v := range decode(t, "out.png").(*image.NRGBA64).Pix {
		if i%8 < 6 {
			require.Zero(t, v)
		} else {
			require.Equal(t, img.Pix[i], v)
		}
	}
}

// Noise is that of the library, rounded; below 0 it is black.
func TestPictureNoise(t *testing.T) {
	t.Chdir(t.TempDir())
	writePNG(t, "in.png", fillImage(image.NewGray(testRect), true))
	succeed(t, "apply", "-p", "1", "-block", "1", "-fill", "noise", "in.png", "out.png")
	layer, err := dropblock.New(dropblock.Config{DropProb: 1, Block: dropblock.Square(1)})
	require.NoError(t, err)
	var m dropblock.Mask
	layer.Sample(&m, dropblock.NCHW(1, 1, testH, testW), 0)
	noise := make([]float32, testW*testH)
	dropblock.ApplyNoise(noise, noise, &m)
	for i, v := range decode(t, "out.png").(*image.Gray).Pix {
		require.Equal(t, max(math.RoundToEven(float64(noise[i])), 0), float64(v))
	}
}

func TestJPEGOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	writePNG(t, "rgb.png", testRGBA())
	writePNG(t, "gray.png", fillImage(image.NewGray(testRect), true))
	writePNG(t, "rgba.png", fillImage(image.NewNRGBA(testRect), false))
	writePNG(t, "rgb16.png", fillImage(image.NewNRGBA64(testRect), true))
	for _, in := range []string{"rgb", "gray"} {
		succeed(t, "apply", "-p", "0.1", "-block", "8", "-share", "channels", in+".png", in+".png.png")
		succeed(t, "apply", "-p", "0.1", "-block", "8", "-share", "channels", in+".png", in+".jpg")
		want, got := decode(t, in+".png.png"), decode(t, in+".jpg")
		var sum float64
		for y := range testH {
			for x := range testW {
				sum += max(float64(channel(want, 0, x, y)), float64(channel(got, 0, x, y))) -
					min(float64(channel(want, 0, x, y)), float64(channel(got, 0, x, y)))
			}
		}
		require.Less(t, sum/(testW*testH*257), 12.0)
		_, gray := got.(*image.Gray)
		require.Equal(t, in == "gray", gray)
	}
	fail(t, 1, "out.jpg: JPEG does not hold the alpha of rgba.png; want .png", "apply", "rgba.png", "out.jpg")
	fail(t, 1, "out.jpg: JPEG does not hold the 16 bits of rgb16.png; want .png", "apply", "rgb16.png", "out.jpg")
}

// The committed demo data goes through.
func TestDemoData(t *testing.T) {
	demo, err := filepath.Abs("testdata/demo")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	r := succeed(t, "apply", filepath.Join(demo, "photo.png"), "photo.png")
	require.Equal(t, []int{1, 3, 300, 451}, r.Shape)
	r = succeed(t, "apply", filepath.Join(demo, "featuremap.npy"), "featuremap.npy")
	require.Equal(t, []int{1, 64, 56, 56}, r.Shape)
	require.InDelta(t, 0.1, r.DropRate, 0.02)
	// The mean activation stays.
	x, _ := loadFloats(t, filepath.Join(demo, "featuremap.npy"))
	y, _ := loadFloats(t, "featuremap.npy")
	require.InEpsilon(t, mean(x), mean(y), 0.02)
}

func mean(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

func FuzzDecodePicture(f *testing.F) {
	var gray, rgba bytes.Buffer
	require.NoError(f, png.Encode(&gray, fillImage(image.NewGray(image.Rect(0, 0, 9, 7)), true)))
	require.NoError(f, png.Encode(&rgba, fillImage(image.NewNRGBA64(image.Rect(0, 0, 9, 7)), false)))
	var jpg bytes.Buffer
	require.NoError(f, jpeg.Encode(&jpg, fillImage(image.NewNRGBA(image.Rect(0, 0, 9, 7)), true), nil))
	for _, b := range []*bytes.Buffer{&gray, &rgba, &jpg} {
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range []kind{kindPNG, kindJPEG} {
			p, err := decodePicture(data, k, 1<<20)
			if err != nil {
				continue
			}
			require.Len(t, p.pix, 4*p.depth*p.w*p.h)
			before := bytes.Clone(p.pix)
			p.setPlanes(p.planes())
			require.Equal(t, before, p.pix)
			require.Equal(t, image.Rect(0, 0, p.w, p.h), p.image().Bounds())
		}
	})
}
