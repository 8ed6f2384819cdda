package dropblock

import (
	"fmt"
	"math/bits"
)

// norms are the scopes of the norms that scale by count/kept: what shares a scale. A new one
// is a row; a norm that scales by anything else is a case of Mask.normalise.
var norms = [...]scope{
	NormTensor:   scopeMask,
	NormNone:     scopeNone,
	NormSample:   scopeSample,
	NormPlane:    scopePlane,
	NormExpected: scopeNone,
}

// scope is the part of a mask over which elements are counted for a scale.
type scope uint8

const (
	scopeNone scope = iota // nothing is counted
	scopeMask
	scopeSample
	scopePlane
)

// groups says which of several scales elements have.
type groups struct {
	reach int // map elements in a row that have the same scale; then comes the next one
	inner int // the channels of a cell, if each has a scale of its own, else 1
	// many is the number of scales. After the last one comes the first.
	many int
}

// groups returns the groups of a norm for a map of shape s and a mask of shape bits. The
// zero groups stand for one scale, which masks without elements have.
func (n Norm) groups(s, bits Shape) (g groups) {
	sample := s.c * s.D() * s.H() * s.w // elements
	switch scope := norms[n]; {
	case scope < scopeSample || bits.Len() == 0:
		return groups{}
	case scope == scopeSample || bits.c == 1:
		g = groups{reach: sample, inner: 1, many: bits.n}
	case s.layout.channelsLast():
		g = groups{reach: sample, inner: s.c, many: bits.n * bits.c}
	default:
		g = groups{reach: sample / s.c, inner: 1, many: bits.n * bits.c}
	}
	if g.many == 1 {
		return groups{}
	}
	return g
}

// spareScales is the number of scales behind those of a mask that scaleRuns may load.
const spareScales = 2

// runs returns the scales of the runs that the map elements [from, to) are of, and spare ones,
// and the number of elements of the first run. There are none if the last scale comes before
// the first one among them.
func (m *Mask) runs(from, to int) (scales []float64, left int) {
	g := &m.groups
	first, last := g.index(from), g.index(to-1)
	if last-first != (to-1)/g.reach-from/g.reach {
		return nil, 0
	}
	return m.scales[first : last+1+spareScales], g.end(from) - from
}

// index returns the number of the scale of a map element.
func (g *groups) index(element int) int {
	if g.inner > 1 {
		return (element/g.reach*g.inner + element%g.inner) % g.many
	}
	return element / g.reach % g.many
}

// end returns the element behind the run of an element that has the same scale.
func (g *groups) end(element int) int {
	if g.inner > 1 {
		return element + 1
	}
	return (element/g.reach + 1) * g.reach
}

// normalise sets the scales of a mask that has elements, which are counted.
func (m *Mask) normalise() {
	switch {
	case m.groups.many > 0:
		m.normaliseGroups()
	case m.norm == NormExpected:
		m.scale[0] = m.rate.scale
	case norms[m.norm] != scopeNone:
		m.scale[0] = quotient(m.count, m.kept)
	}
}

// quotient returns count/kept, 0 if nothing is kept.
func quotient(count, kept int) float64 {
	if kept == 0 {
		return 0
	}
	return float64(count) / float64(kept)
}

// normaliseGroups sets the scales of a mask that has several.
func (m *Mask) normaliseGroups() {
	n := m.count / m.groups.many // elements of the mask with the same scale
	if m.groups.inner > 1 {
		m.countInner(n)
		return
	}
	// With many groups of few elements a table of quotients saves the division.
	var table [256]float64
	if n >= len(table) || m.groups.many <= n {
		m.countLong(n)
		return
	}
	for kept := range table[:n+1] {
		table[kept] = quotient(n, kept)
	}
	words := m.buf[1 : len(m.buf)+1] // with a spare one, of which no bit counts
	for i := range m.scales {
		at := i * n
		kept, rest := 0, n
		for rest > 64 {
			kept += bits.OnesCount64(words[at>>6]>>(at&63) | words[at>>6+1]<<1<<(^at&63))
			at, rest = at+64, rest-64
		}
		v := words[at>>6]>>(at&63) | words[at>>6+1]<<1<<(^at&63)
		m.scales[i] = table[(kept+bits.OnesCount64(v<<(64-rest)))&255]
	}
}

// countLong is normaliseGroups for groups of many elements.
func (m *Mask) countLong(n int) {
	words := m.buf[1:]
	word, ones, before := 0, 0, 0 // the ones of the words before word, and of the groups so far
	for i := range m.scales {
		end := (i + 1) * n
		if last := end / 64; last-word > 16 {
			ones += m.isa.countCalls(words[word:last])
			word = last
		} else {
			for _, v := range words[word:last] {
				ones += bits.OnesCount64(v)
			}
			word = last
		}
		upTo := ones
		if rest := end & 63; rest > 0 {
			upTo += bits.OnesCount64(words[word] & (1<<rest - 1))
		}
		m.scales[i] = quotient(n, upTo-before)
		before = upTo
	}
}

// countInner is normaliseGroups where each channel of a cell has a scale of its own, for
// groups of n elements: it goes through the dropped elements.
func (m *Mask) countInner(n int) {
	dropped := m.scales // as numbers until the end
	clear(dropped)
	sample, inner := n*m.groups.inner, m.groups.inner // elements, and channels
	for i, v := range m.buf[1:] {
		for v = ^v; v != 0; v &= v - 1 {
			element := 64*i + bits.TrailingZeros64(v)
			if element >= m.count {
				break
			}
			dropped[element/sample*inner+element%inner]++
		}
	}
	for i, d := range dropped {
		m.scales[i] = quotient(n, n-int(d))
	}
}

// Rescale sets the scale of a mask of [NormTensor] to count/kept, 0 if kept is 0. Replicas
// that each hold a part of a batch and sum their [Mask.Len] and [Mask.Kept] write with it
// the very slices of the output that one machine would write for the whole batch. It does
// nothing to masks of other norms, whose scales do not depend on how a batch is split, and
// of [Mask.SetKeep] and [Mask.Identity]. It panics, leaving the mask as it was, if kept is
// negative or above count.
func (m *Mask) Rescale(kept, count int) {
	m.must()
	if kept < 0 || kept > count {
		panic(fmt.Sprintf("dropblock: Rescale: kept is %d, want 0 to count, %d", kept, count))
	}
	if m.filled && m.norm == NormTensor {
		m.scale[0] = quotient(count, kept)
	}
}
