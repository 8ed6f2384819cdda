package dropblock_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
)

// streamMask is a line of testdata/stream/masks.txt: a mask as a program
// written from docs/stream.md draws it.
type streamMask struct {
	key   string // the line up to the results
	cfg   dropblock.Config
	shape dropblock.Shape
	one   dropblock.Shape // of one of its samples
	at    dropblock.Position

	gamma       float64
	scales      []float64
	kept        int
	seeds, mask string // see dump
	noise       string // that of a map of zeros, if it is given
}

func (s *streamMask) layer(t *testing.T, kernels dropblock.KernelSet) *dropblock.Layer {
	t.Helper()
	cfg := s.cfg
	cfg.Kernels = kernels
	layer, err := dropblock.New(cfg)
	if err != nil {
		t.Fatalf("%s: %v", s.key, err)
	}
	return layer
}

func TestStream(t *testing.T) {
	table := readStreamMasks(t)
	for _, kernels := range dropblock.KernelSets() {
		t.Run(kernels.String(), func(t *testing.T) {
			var m dropblock.Mask // reused, as in training
			for _, s := range table {
				check := func(name string, got, want any) {
					if got != want {
						t.Errorf("%s: %s is %v, want %v", s.key, name, got, want)
					}
				}
				layer := s.layer(t, kernels)
				layer.SampleAt(&m, s.shape, s.at)
				n := m.MaskShape().Len()
				check("Layer.Gamma", layer.Gamma(s.shape, s.at.Step), s.gamma)
				check("Mask.Gamma", m.Gamma(), s.gamma)
				check("Mask.Kept", m.Kept(), s.kept)
				check("Mask.Scales", fmt.Sprintf("%x", m.Scales()), fmt.Sprintf("%x", s.scales))
				check("Mask.Words", dump(m.Words(), n), s.mask)

				seeds := make([]uint64, len(m.Words()))
				drawn := layer.DrawSeeds(seeds, s.shape, s.at)
				check("Layer.DrawSeeds", dump(seeds, n), s.seeds)
				check("number of seeds", drawn, ones(seeds))
				check("Mask.SeedCount", m.SeedCount(), drawn)

				if s.noise != "" {
					x := make([]float32, s.shape.Len())
					dropblock.ApplyNoise(x, x, &m)
					var b []byte
					for _, v := range x {
						b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
					}
					check("ApplyNoise", dumpBytes(b), s.noise)
				}
			}
		})
	}
}

func ones(words []uint64) (n int) {
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}

// A sample's mask depends on its global index and not on its batch.
func TestStreamSamples(t *testing.T) {
	var batch, one dropblock.Mask
	for _, s := range readStreamMasks(t) {
		layer := s.layer(t, dropblock.KernelSet{})
		layer.SampleAt(&batch, s.shape, s.at)
		at := s.at
		for n := range s.shape.N() {
			layer.SampleAt(&one, s.one, at)
			at.Sample += max(at.Stride, 1)
			size := one.MaskShape().Len()
			n = min(n, batch.MaskShape().N()-1) // a batch may share its mask
			for i := range size {
				j := n*size + i
				if one.Words()[i>>6]>>(i&63)&1 != batch.Words()[j>>6]>>(j&63)&1 {
					t.Fatalf("%s: sample %d alone differs at element %d", s.key, n, i)
				}
			}
		}
	}
}

// dump writes n bits as stream.py does: bytes in hexadecimal, or the SHA-256
// of more than 256 of them.
func dump(words []uint64, n int) string {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for _, past := range b[(n+7)/8:] {
		if past != 0 {
			return "bits past the end"
		}
	}
	return dumpBytes(b[:(n+7)/8])
}

func dumpBytes(b []byte) string {
	if len(b) > 256 {
		sum := sha256.Sum256(b)
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return hex.EncodeToString(b)
}

func readStreamMasks(t *testing.T) (table []streamMask) {
	t.Helper()
	f, err := os.Open("testdata/stream/masks.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		m, err := parseStreamMask(lines.Text())
		if err != nil {
			t.Fatalf("masks.txt: %s: %v", m.key, err)
		}
		table = append(table, m)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(table) < 210 {
		t.Fatalf("%d masks in the table, want at least 210", len(table))
	}
	return table
}

func parseStreamMask(line string) (m streamMask, err error) {
	m.key, _, _ = strings.Cut(line, " gamma=")
	fields := strings.Fields(line)
	if len(fields) < 16 {
		return m, fmt.Errorf("%d fields, want 16 or more", len(fields))
	}
	layout, extents := "NCHW", ""
	seen := make(map[string]bool)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		if seen[name] {
			return m, fmt.Errorf("%s is given twice", name)
		}
		seen[name] = true
		switch name {
		case "shape":
			extents = value
		case "layout":
			layout = value
		case "block":
			err = m.cfg.Block.UnmarshalText([]byte(value))
		case "region":
			err = m.cfg.Region.UnmarshalText([]byte(value))
		case "even":
			err = m.cfg.Even.UnmarshalText([]byte(value))
		case "rule":
			err = m.cfg.Gamma.UnmarshalText([]byte(value))
		case "share":
			err = m.cfg.Share.UnmarshalText([]byte(value))
		case "clip":
			err = m.cfg.Clip.UnmarshalText([]byte(value))
		case "norm":
			err = m.cfg.Norm.UnmarshalText([]byte(value))
		case "gamma-scale":
			m.cfg.GammaScale, err = strconv.ParseFloat(value, 64)
		case "ramp":
			from, steps, _ := strings.Cut(value, ":")
			if m.cfg.Ramp.From, err = strconv.ParseFloat(from, 64); err == nil {
				m.cfg.Ramp.Steps, err = strconv.ParseUint(steps, 10, 64)
			}
		case "p":
			m.cfg.DropProb, err = strconv.ParseFloat(value, 64)
		case "seed":
			m.cfg.Seed, err = strconv.ParseUint(value, 10, 64)
		case "layer":
			var layer uint64
			layer, err = strconv.ParseUint(value, 10, 32)
			m.cfg.Layer = uint32(layer)
		case "step":
			m.at.Step, err = strconv.ParseUint(value, 10, 64)
		case "sample":
			m.at.Sample, err = strconv.ParseUint(value, 10, 64)
		case "stride":
			m.at.Stride, err = strconv.ParseUint(value, 10, 64)
		case "gamma":
			m.gamma, err = strconv.ParseFloat(value, 64)
		case "kept":
			m.kept, err = strconv.Atoi(value)
		case "scale":
			for value != "" && err == nil {
				var scale float64
				first, rest, _ := strings.Cut(value, ",")
				scale, err = strconv.ParseFloat(first, 64)
				m.scales, value = append(m.scales, scale), rest
			}
		case "seeds":
			m.seeds = value
		case "mask":
			m.mask = value
		case "fill": // with noise, which the line has
		case "noise":
			m.noise = value
		default:
			err = fmt.Errorf("unknown field %q", name)
		}
		if err != nil {
			return m, err
		}
	}
	if err := m.shape.UnmarshalText([]byte(layout + " " + extents)); err != nil {
		return m, err
	}
	_, sample, _ := strings.Cut(extents, "x")
	return m, m.one.UnmarshalText([]byte(layout + " 1x" + sample))
}
