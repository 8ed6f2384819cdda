package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"math"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// A picture is one with straight alpha, red, green, blue and alpha in turn for
// each pixel, each of depth bytes, the high one first.
type picture struct {
	w, h  int
	pix   []byte
	depth int
	gray  bool // red, green and blue are equal
}

const (
	// maxPerByte bounds the pixels of a byte of the file: deflate expands a byte to at
	// most 1032, each of which has at most 8 pixels.
	maxPerByte = 1032 * 8

	jpegQuality = 95
)

// readPicture reads a picture that is to be written to the file out, or to standard output
// in the format that it has.
func (o *options) readPicture(in *input, out string) (*featureMap, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	p, err := decodePicture(data, in.kind, o.maxPixels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	format := kindOf(out)
	if out == std {
		format = in.kind
	}
	if format == kindJPEG {
		switch {
		case p.depth == 2:
			return nil, fmt.Errorf("%s: JPEG does not hold the 16 bits of %s; want .png", out, in.name)
		case !p.opaque():
			return nil, fmt.Errorf("%s: JPEG does not hold the alpha of %s; want .png", out, in.name)
		}
	}
	return &featureMap{
		axes:  dropblock.LayoutNCHW.String(),
		shape: dropblock.NCHW(1, p.channels(), p.h, p.w),
		elems: npy.Bytes(p.planes()),
		apply: applyAs[float32],
		encode: func(w io.Writer, elems []byte) error {
			p.setPlanes(npy.View[float32](elems))
			if format == kindJPEG {
				return jpeg.Encode(w, p.image(), &jpeg.Options{Quality: jpegQuality})
			}
			return png.Encode(w, p.image())
		},
	}, nil
}

// decodePicture decodes a picture of at most so many pixels: what is allocated for it, for
// its float32 planes 12 bytes a pixel, is bounded by that and by the length of data.
func decodePicture(data []byte, k kind, maxPixels int64) (*picture, error) {
	format, config, decode := "PNG", png.DecodeConfig, png.Decode
	if k == kindJPEG {
		format, config, decode = "JPEG", jpeg.DecodeConfig, jpeg.Decode
	}
	c, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, pictureError(format, err)
	}
	if n := int64(c.Width) * int64(c.Height); n > maxPixels || n > maxPerByte*int64(len(data)) {
		return nil, fmt.Errorf("is too large or damaged: %dx%d pixels in a file of %d bytes; want at most %d pixels (-max-pixels)", c.Width, c.Height, len(data), maxPixels)
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, pictureError(format, err)
	}
	p := fromImage(img)
	if k == kindPNG {
		// The header's colour type: package png makes colour of gray with alpha.
		const colourType = 25
		p.gray = data[colourType]&^4 == 0
	}
	return p, nil
}

func pictureError(format string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("is truncated, or no %s", format)
	}
	return fmt.Errorf("is damaged, or no %s: %w", format, err)
}

func fromImage(img image.Image) *picture {
	b := img.Bounds()
	p := &picture{w: b.Dx(), h: b.Dy(), depth: 1}
	switch img := img.(type) {
	case *image.NRGBA:
		p.pix = img.Pix
	case *image.NRGBA64:
		p.pix, p.depth = img.Pix, 2
	case *image.RGBA: // Opaque, as package png uses it.
		p.pix = img.Pix
	case *image.RGBA64: // Opaque.
		p.pix, p.depth = img.Pix, 2
	case *image.Gray16:
		p.gray, p.depth = true, 2
		p.pix = make([]byte, 0, 4*len(img.Pix))
		for i := 0; i < len(img.Pix); i += 2 {
			hi, lo := img.Pix[i], img.Pix[i+1]
			p.pix = append(p.pix, hi, lo, hi, lo, hi, lo, 0xFF, 0xFF)
		}
	case *image.Paletted:
		p.pix = make([]byte, 0, 4*len(img.Pix))
		for _, i := range img.Pix {
			c := color.NRGBAModel.Convert(img.Palette[i]).(color.NRGBA)
			p.pix = append(p.pix, c.R, c.G, c.B, c.A)
		}
	default: // Gray, YCbCr, CMYK: opaque.
		_, p.gray = img.(*image.Gray)
		rgba := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
		draw.Draw(rgba, rgba.Rect, img, b.Min, draw.Src)
		p.pix = rgba.Pix
	}
	return p
}

// channels returns the number of channels of the feature map, without alpha.
func (p *picture) channels() int {
	if p.gray {
		return 1
	}
	return 3
}

func (p *picture) planes() []float32 {
	size := p.w * p.h
	planes := make([]float32, p.channels()*size)
	for i := range planes {
		c, pixel := i/size, i%size
		if at := 4*pixel + c; p.depth == 1 {
			planes[i] = float32(p.pix[at])
		} else {
			planes[i] = float32(binary.BigEndian.Uint16(p.pix[2*at:]))
		}
	}
	return planes
}

// setPlanes puts planes back, rounded and clipped. Alpha stays.
func (p *picture) setPlanes(planes []float32) {
	size := p.w * p.h
	most := float64(uint(1)<<(8*p.depth) - 1)
	for i := range 3 * size {
		c, pixel := i/size, i%size
		v := uint16(math.RoundToEven(max(min(float64(planes[i%len(planes)]), most), 0)))
		if at := 4*pixel + c; p.depth == 1 {
			p.pix[at] = byte(v)
		} else {
			binary.BigEndian.PutUint16(p.pix[2*at:], v)
		}
	}
}

func (p *picture) opaque() bool {
	for i := 3 * p.depth; i < len(p.pix); i += 4 * p.depth {
		if p.pix[i] != 0xFF || p.pix[i+p.depth-1] != 0xFF {
			return false
		}
	}
	return true
}

// image returns the picture for an encoder, in gray if it has no colours.
func (p *picture) image() image.Image {
	rect := image.Rect(0, 0, p.w, p.h)
	if !p.gray || !p.opaque() {
		if p.depth == 2 {
			return &image.NRGBA64{Pix: p.pix, Stride: 8 * p.w, Rect: rect}
		}
		return &image.NRGBA{Pix: p.pix, Stride: 4 * p.w, Rect: rect}
	}
	gray := make([]byte, 0, len(p.pix)/4)
	for i := 0; i < len(p.pix); i += 4 * p.depth {
		gray = append(gray, p.pix[i:i+p.depth]...)
	}
	if p.depth == 2 {
		return &image.Gray16{Pix: gray, Stride: 2 * p.w, Rect: rect}
	}
	return &image.Gray{Pix: gray, Stride: p.w, Rect: rect}
}
