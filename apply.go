package dropblock

import (
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/dropblock-go/dropblock/internal/bitstring"
	"github.com/dropblock-go/dropblock/internal/cpucache"
	"github.com/dropblock-go/dropblock/internal/pool"
)

// Apply sets dst to src times the scale of the mask where the mask keeps, and to +0
// where it drops, even for NaN and Inf. The same call with the same mask takes the
// gradient of the output to the gradient of the input. It computes with the kernel
// set of the layer that filled the mask.
//
// dst and src are feature maps of shape [Mask.Shape], and may be the same slice.
// Apply panics, without writing anything, if the mask is not filled, if a length is
// not that of the shape, or if dst and src overlap in part.
//
// float64 is multiplied by the float64 scale, the other types by the nearest float32:
// [Float16] and [BFloat16] are widened to float32, multiplied, and rounded to the nearest,
// ties to even.
func Apply[E Float](dst, src []E, m *Mask) { m.apply(spanOf(dst), spanOf(src)) }

func (m *Mask) apply(dst, src span) {
	if !m.takes(&dst, &src) {
		m.refuse("Apply", &dst, &src, nil)
	}
	o := output{dst: dst, src: src}
	if m.single && m.size <= scaleCallLen {
		o.small(m)
		return
	}
	o.all(m)
}

// ApplyAdd adds src times the scale of the mask to dst where the mask keeps, and leaves dst
// as it is where it drops, bit for bit: a residual branch, or a gradient that is
// accumulated. float32 and float64 round the product, then the sum; [Float16] and
// [BFloat16] compute both in float32 and round once. It takes and refuses what [Apply]
// does.
func ApplyAdd[E Float](dst, src []E, m *Mask) {
	m.applyAs("ApplyAdd", output{dst: spanOf(dst), src: spanOf(src), op: opAdd})
}

// ApplyFill is [Apply] with the elements of fill, as they are, where the mask drops. fill
// is another feature map of the same shape. dst may be the same slice as src or as fill.
// ApplyFill panics like Apply, and if dst and fill overlap in part.
func ApplyFill[E Float](dst, src, fill []E, m *Mask) {
	m.applyAs("ApplyFill", output{dst: spanOf(dst), src: spanOf(src), fill: spanOf(fill), op: opFill})
}

// ApplyNoise is [Apply] with noise where the mask drops: a value of the normal distribution
// N(0,1) for each element of the map, also where elements share bits of the mask. It is a
// function of the seed, layer and step of the mask, of the sample's global index and of the
// element's number in the sample, computed in float32 and then converted to the type of the
// elements, and the same on every CPU and for any split of a batch (docs/stream.md, section
// 12). Kept elements are multiplied by the scale of the mask. The gradient of the output
// goes to that of the input by [Apply].
//
// ApplyNoise panics like Apply, and if the mask drops anything without having been drawn or
// grown for a [Position]: those of [Mask.SetKeep] have no seed, layer and step.
func ApplyNoise[E Float](dst, src []E, m *Mask) {
	m.applyAs("ApplyNoise", output{dst: spanOf(dst), src: spanOf(src), op: opNoise})
}

func (m *Mask) applyAs(call string, o output) {
	o.mustTake(call, m)
	o.all(m)
}

// takes reports whether the mask may be applied to src. If not, refuse panics with the
// reason.
func (m *Mask) takes(dst, src *span) bool {
	return m != nil && m.filled && dst.n == m.size && src.n == m.size && !dst.overlaps(src)
}

//go:noinline
func (m *Mask) refuse(call string, dst, src, fill *span) {
	m.mustHold(call, "dst", dst.n)
	m.mustHold(call, "src", src.n)
	if dst.overlaps(src) {
		panic("dropblock: " + call + ": dst and src overlap in part")
	}
	m.mustHold(call, "fill", fill.n)
	panic("dropblock: " + call + ": dst and fill overlap in part")
}

// mustTake panics if the mask may not be applied.
func (o *output) mustTake(call string, m *Mask) {
	if !m.takes(&o.dst, &o.src) || o.op == opFill && !m.takes(&o.dst, &o.fill) {
		m.refuse(call, &o.dst, &o.src, &o.fill)
	}
	if o.op == opNoise && !m.keyed && m.kept < m.count {
		panic("dropblock: " + call + ": the mask has no key to draw noise with: Sample, SampleAt or GrowAt gives it one")
	}
}

// ApplyPart is [Apply] for callers who share the work among their own goroutines:
// it writes one of the disjoint parts 0 to parts−1, which together are all of dst.
// It starts no goroutine. It panics like Apply, and if part is not in [0, parts).
func ApplyPart[E Float](dst, src []E, m *Mask, part, parts int) {
	m.applyPart("ApplyPart", output{dst: spanOf(dst), src: spanOf(src)}, part, parts)
}

// ApplyAddPart is [ApplyAdd] as [ApplyPart] is [Apply].
func ApplyAddPart[E Float](dst, src []E, m *Mask, part, parts int) {
	m.applyPart("ApplyAddPart", output{dst: spanOf(dst), src: spanOf(src), op: opAdd}, part, parts)
}

// ApplyFillPart is [ApplyFill] as [ApplyPart] is [Apply].
func ApplyFillPart[E Float](dst, src, fill []E, m *Mask, part, parts int) {
	m.applyPart("ApplyFillPart", output{dst: spanOf(dst), src: spanOf(src), fill: spanOf(fill), op: opFill}, part, parts)
}

// ApplyNoisePart is [ApplyNoise] as [ApplyPart] is [Apply].
func ApplyNoisePart[E Float](dst, src []E, m *Mask, part, parts int) {
	m.applyPart("ApplyNoisePart", output{dst: spanOf(dst), src: spanOf(src), op: opNoise}, part, parts)
}

func (m *Mask) applyPart(call string, o output, part, parts int) {
	o.mustTake(call, m)
	if part < 0 || part >= parts {
		panic(fmt.Sprintf("dropblock: %s: part is %d of %d, want 0 or more and less than the parts", call, part, parts))
	}
	if o.choose(m, parts, cpucache.LastLevel()); o.whole != wholeNothing {
		o.writePart(m, part, parts, wakeCalls)
	}
}

// ScaleTo writes the mask as factors: its scale where it keeps and +0 where it
// drops. dst is a feature map of shape [Mask.Shape]. It panics, without writing
// anything, if the mask is not filled or dst has another length.
func ScaleTo[E Float](dst []E, m *Mask) {
	m.mustHold("ScaleTo", "dst", len(dst))
	m.writeFactors(spanOf(dst))
}

// KeepTo writes the mask as booleans or bytes, true or 1 to keep. dst is a feature
// map of shape [Mask.Shape]. It panics, without writing anything, if the mask is
// not filled or dst has another length.
func KeepTo[T bool | uint8](dst []T, m *Mask) {
	m.mustHold("KeepTo", "dst", len(dst))
	m.writeFactors(spanOf(dst))
}

// writeFactors writes the mask itself, as factors or as bytes.
func (m *Mask) writeFactors(dst span) {
	o := output{dst: dst, op: opFactors}
	o.write(m, pool.Workers(m.workers, m.size, workerLen))
}

func (m *Mask) mustHold(call, name string, n int) {
	m.must()
	if !m.filled {
		panic("dropblock: " + call + ": the mask is not filled: Sample, Grow, SetKeep or Identity comes first")
	}
	if n != m.size {
		m.panicLength(call, name, n)
	}
}

//go:noinline
func (m *Mask) panicLength(call, name string, n int) {
	panic(fmt.Sprintf("dropblock: %s: %s has %d elements, want the %d of a feature map of %v", call, name, n, m.size, m.shape))
}

// output is the destination of a mask.
type output struct {
	dst, src, fill span // of which an operation may lack src and fill
	fillFrom       int  // the number in the map of the first element of fill
	op             operation
	whole          whole
	stream         bool // with non-temporal stores
}

// operation is what is done with the elements of a map by the bits of a mask.
type operation uint8

const (
	opScale operation = iota
	opAdd
	opFill
	opNoise
	opFactors // the mask itself is written, as factors or as bytes
)

// whole is an operation on all of an output that does not depend on the bits of the mask.
type whole uint8

const (
	wholeByBits whole = iota
	wholeZero
	wholeCopy
	wholeFill
	wholeNothing
)

// choose chooses how a mask is applied in parts, each by a goroutine. cache is the size of
// the last-level cache in bytes.
func (o *output) choose(m *Mask, parts, cache int) {
	all := m.kept == m.count && m.scale[0] == 1 // Several scales are then 1, too.
	switch {
	case m.kept == 0:
		o.whole = o.none()
	case all && o.op != opAdd && o.dst.at == o.src.at:
		o.whole = wholeNothing
	case all && o.op != opAdd:
		o.whole = wholeCopy
	case o.op != opAdd && o.op != opNoise:
		bytes := o.dst.n << o.dst.element.log()
		o.stream = o.dst.at != o.src.at && o.dst.at != o.fill.at && bypasses(bytes, cache, parts)
	}
}

// none returns what there is to do if nothing is kept.
func (o *output) none() whole {
	switch {
	case o.op == opScale:
		return wholeZero
	case o.op == opFill && o.dst.at != o.fill.at:
		return wholeFill
	case o.op == opNoise:
		return wholeByBits
	}
	return wholeNothing
}

// all writes the output, by as many workers as it is worth.
func (o *output) all(m *Mask) {
	workers := pool.Workers(m.workers, m.size, workerLen)
	if o.choose(m, workers, cpucache.LastLevel()); o.whole != wholeNothing {
		o.write(m, workers)
	}
}

// write writes the output, shared by workers.
func (o *output) write(m *Mask, workers int) {
	if workers == 1 {
		o.writePart(m, 0, 1, wakeCalls)
		return
	}
	j := jobs.Get()
	j.output, j.mask, j.workers = *o, m, workers
	j.team.Run(j, max(m.size/partLen, workers), workers)
	j.output, j.mask = output{}, nil
	jobs.Put(j)
}

// small writes an output of one kernel call, without the choices for larger ones.
func (o *output) small(m *Mask) {
	if m.kept < m.count || m.scale[0] != 1 {
		m.isa.scaleSpan(o.dst, o.src, m.buf[1:], m.scale[0], false)
	} else if o.dst.at != o.src.at {
		copy(o.dst.bytes(), o.src.bytes())
	}
}

// job is an output that is shared by workers.
type job struct {
	output
	team    pool.Team
	mask    *Mask
	workers int
}

// jobs are not held by masks, as many goroutines may apply a mask at once.
var jobs = &pool.Free[job]{New: func() *job { return new(job) }, Keep: func(*job) bool { return true }}

// Part implements [pool.Task].
func (j *job) Part(i, parts int) {
	const first = wakeCalls * scaleCallLen / partLen
	wake := 0
	if i < first || i >= parts-first*(j.workers-1) { // the first parts of the caller and of each worker
		wake = wakeCalls
	}
	j.writePart(j.mask, i, parts, wake)
}

// writePart writes a part of the output. The first wake kernel calls alternate cached and
// non-temporal stores (wakeCalls).
func (o *output) writePart(m *Mask, part, parts, wake int) {
	if !m.spread.plain() && o.whole == wholeByBits && m.size > 0 {
		o.writeShared(m, part, parts, wake)
		return
	}
	words := m.buf[1:]
	from, end := 0, m.size
	if parts > 1 {
		from, end = pool.Share(m.size, scaleCallLen, part, parts), pool.Share(m.size, scaleCallLen, part+1, parts)
	}
	for from < end {
		n := scaleCallLen
		if o.stream && wake == 0 || m.groups.inner > 1 {
			n = streamCallLen
		}
		to := from + min(n, end-from)
		if o.whole == wholeByBits {
			o.call(m, wake, from, to, words[from/64:bitstring.Words(to)])
		} else {
			o.callWhole(from, to)
		}
		from, wake = to, max(wake-1, 0)
	}
}

// call writes the elements [from, to). Their bits begin with bit 0 of keep[0].
func (o *output) call(m *Mask, wake, from, to int, keep []uint64) {
	stream := o.stream && wake%2 == 0
	if o.op == opNoise {
		o.callNoise(m, from, to, keep)
		return
	}
	if m.groups.many > 0 && o.dst.element != elementByte {
		o.callGroups(m, stream, from, to, keep)
		return
	}
	o.callScale(m, stream, from, to, keep, m.scale[0])
}

// callScale is call with one scale.
func (o *output) callScale(m *Mask, stream bool, from, to int, keep []uint64, scale float64) {
	switch dst := o.dst.part(from, to); o.op {
	case opScale:
		m.isa.scaleSpan(dst, o.src.part(from, to), keep, scale, stream)
	case opAdd:
		m.isa.addSpan(dst, o.src.part(from, to), keep, scale)
	case opFill:
		m.isa.fillSpan(dst, o.src.part(from, to), o.fill.part(from-o.fillFrom, to-o.fillFrom), keep, scale, stream)
	case opFactors:
		m.isa.expandSpan(dst, keep, scale)
	}
}

// callNoise is call: it draws the noise of some elements, which stays in the first-level
// cache, and fills with it.
func (o *output) callNoise(m *Mask, from, to int, keep []uint64) {
	z := noises.Get()
	expandKey(&z.ks, m.key[0], m.key[1])
	filled := *o
	filled.op = opFill
	filled.fill = span{unsafe.Pointer(unsafe.SliceData(z.buf)), noiseLead + noiseCallLen + noiseLead, o.dst.element}
	asks := o.dst.at != o.src.at && o.dst.n<<o.dst.element.log() >= noiseAskBytes
	for from < to {
		end := min(from+noiseCallLen, to)
		if asks {
			z.dst, z.src = o.dst.part(from, end), o.src.part(from, end)
		}
		z.draw(m, &filled.fill, from, end, keep)
		filled.fillFrom = from - noiseLead
		filled.call(m, 1, from, end, keep[:bitstring.Words(end-from)])
		keep = keep[(end-from)/64:]
		from = end
	}
	z.dst, z.src = span{}, span{}
	noises.Put(z)
}

// runs returns the scales from that of the map element from on, spare ones behind them, and the
// number of elements from there to the end of its run. There are none if the last scale comes
// before the first one among those of the elements [from, to).
func (m *Mask) runs(from, to int) (scales []float64, left int) {
	g := &m.groups
	run := from / g.reach
	first := run
	if run >= g.many {
		first %= g.many
	}
	left = (run+1)*g.reach - from
	if to-from > (g.many-first-1)*g.reach+left {
		return nil, 0
	}
	return m.scales[first : g.many+spareScales], left
}

// callGroups is call with a scale for each run of elements that have the same.
func (o *output) callGroups(m *Mask, stream bool, from, to int, keep []uint64) {
	if o.op == opScale {
		if m.groups.inner > 1 {
			o.scaleInner(m, from, to, keep)
			return
		}
		whole := to - (to-from)%64 // Assembly takes whole words of bits.
		if from < whole && o.scaleRuns(m, stream, from, whole, keep) {
			keep, from = keep[(whole-from)/64:], whole
		}
		if from == to || from == whole && o.scaleRuns(m, stream, from, to, keep) {
			return
		}
	}
	o.callEach(m, stream, from, to, keep)
}

// scaleRuns is callGroups by one kernel call, and reports whether that is possible.
func (o *output) scaleRuns(m *Mask, stream bool, from, to int, keep []uint64) bool {
	scales, left := m.runs(from, to)
	if scales != nil {
		m.isa.scaleRunsSpan(o.dst.part(from, to), o.src.part(from, to), keep, scales, m.groups.reach, left, stream)
	}
	return scales != nil
}

// callEach is callGroups by one kernel call, or more, for each run. It is apart from callGroups,
// whose frame it made larger: that took 1 to 2 % of the time of a map with planes of 28×28.
func (o *output) callEach(m *Mask, stream bool, from, to int, keep []uint64) {
	var buf *[scaleCallLen/64 + 1]uint64
	for at := from; at < to; {
		end := min(m.groups.end(at), to, at+scaleCallLen)
		words := keep[(at-from)/64:]
		if (at-from)%64 != 0 {
			// The bits of a run that does not begin with a word are moved.
			if buf == nil {
				buf = movedBits.Get()
			}
			words = buf[:bitstring.Words(end-at)]
			clear(words)
			bitstring.Move(words, 0, keep, at-from, end-at)
		}
		// Each call with non-temporal stores ends with a fence.
		stream := stream && end-at == scaleCallLen
		o.callScale(m, stream, at, end, words, m.scales[m.groups.index(at)])
		at = end
	}
	if buf != nil {
		movedBits.Put(buf) // A defer in the loop would allocate.
	}
}

// scaleInner is callGroups where each channel of a cell has a scale of its own.
func (o *output) scaleInner(m *Mask, from, to int, keep []uint64) {
	g, f := &m.groups, innerFactors.Get()
	defer innerFactors.Put(f)
	held := -1 // number of the sample whose scales, again and again, f holds
	for at := from; at < to; {
		sample := at / g.reach
		begin, end := sample*g.reach, min((sample+1)*g.reach, to)
		n, first := min((end-at)&^63, innerCallLen), 0
		if n > 0 {
			if held != sample {
				held = sample
				f.repeat(m.scales[g.index(begin):][:g.inner], g.inner+innerCallLen, o.dst.element)
			}
			first = (at - begin) % g.inner
		} else { // a word of elements of several samples, or the last ones
			n, held = min(64, to-at), -1
			var scales [64]float64
			for i := range n {
				scales[i] = m.scales[g.index(at+i)]
			}
			f.repeat(scales[:n], n, o.dst.element)
		}
		dst, src := o.dst.part(at, at+n), o.src.part(at, at+n)
		m.isa.scaleEach(dst.at, src.at, n, dst.element, keep[(at-from)/64:], f.at(first, dst.element))
		at += n
	}
}

// factors are scales of elements, float64 or float32 as the elements are multiplied by.
type factors struct{ buf []float64 }

var innerFactors = &pool.Free[factors]{
	New:  func() *factors { return new(factors) },
	Keep: func(f *factors) bool { return cap(f.buf) < 1<<16 },
}

// at returns where the factor of number i is.
func (f *factors) at(i int, e element) unsafe.Pointer {
	if e != elementFloat64 {
		return unsafe.Pointer(&f.floats()[i])
	}
	return unsafe.Pointer(&f.buf[i])
}

func (f *factors) floats() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(f.buf))), len(f.buf))
}

// repeat sets n factors, as many as there are scales or more, to the scales again and again.
func (f *factors) repeat(scales []float64, n int, e element) {
	if cap(f.buf) < n {
		f.buf = make([]float64, n)
	}
	f.buf = f.buf[:n]
	if e == elementFloat64 {
		repeat(f.buf, copy(f.buf, scales))
		return
	}
	floats := f.floats()[:len(scales)]
	for i, scale := range scales {
		floats[i] = float32(scale)
	}
	repeat(f.floats(), len(scales))
}

// repeat fills s with copies of its first elements.
func repeat[T any](s []T, first int) {
	for done := first; done < len(s); done *= 2 {
		copy(s[done:], s[:done])
	}
}

// movedBits are buffers for the bits of a kernel call.
var movedBits = &pool.Free[[scaleCallLen/64 + 1]uint64]{
	New:  func() *[scaleCallLen/64 + 1]uint64 { return new([scaleCallLen/64 + 1]uint64) },
	Keep: func(*[scaleCallLen/64 + 1]uint64) bool { return true },
}

// callWhole clears or copies the elements [from, to).
func (o *output) callWhole(from, to int) {
	dst := o.dst.part(from, to)
	switch o.whole {
	case wholeZero:
		clear(dst.bytes())
	case wholeCopy:
		src := o.src.part(from, to)
		copy(dst.bytes(), src.bytes())
	case wholeFill:
		fill := o.fill.part(from, to)
		copy(dst.bytes(), fill.bytes())
	}
}

// writeShared writes a part where bits cover several elements. Planes that share a mask get
// it repeated in a buffer, as often as a kernel call has room for, so that kernels see long
// runs of bits that begin with a word. A larger plane is cut, and the buffer serves one cut
// of all planes. The kernel scaleCells needs no buffer.
func (o *output) writeShared(m *Mask, part, parts, wake int) {
	sp := &m.spread
	plane := sp.run * sp.each
	cut := scaleCallLen
	if sp.each > 1 && stretchable(sp.each) { // and sp.outer is 1
		cut -= cut % (64 * sp.each) // Calls begin with words of the mask.
	}
	repeat := min(max(scaleCallLen/plane, 1), sp.times)
	// The bits of whole planes are whole words.
	whole := 64 >> min(bits.TrailingZeros(uint(plane)), 6)
	if repeat < sp.times && repeat > whole {
		repeat -= repeat % whole // Calls begin at multiples of 64 bytes of dst.
	}
	cuts := (plane + cut - 1) / cut            // of a plane
	groups := (sp.times + repeat - 1) / repeat // of planes
	var buf, stretched [scaleCallLen / 64]uint64
	calls := sp.outer * cuts * groups
	held := -1 // number of the cut that buf holds
	cells := o.op == opScale && m.groups.many == 0 && tunings[m.isa].cells &&
		sp.times == 1 && sp.each <= maxLanes && sp.each%8 != 0
	for i := pool.Share(calls, 1, part, parts); i < pool.Share(calls, 1, part+1, parts); i++ {
		n, at, c := i/groups/cuts, i/groups%cuts*cut, i%groups*repeat
		length := min(plane-at, cut)
		from := (n*sp.times+c)*plane + at
		to := from + min(repeat, sp.times-c)*length
		if cells {
			words := m.buf[1+at/sp.each/64:]
			m.isa.scaleCellsSpan(o.dst.part(from, to), o.src.part(from, to), words, lanesOf(sp.each), m.scale[0], o.stream && wake%2 == 0)
			wake = max(wake-1, 0)
			continue
		}
		if held != i/groups {
			held = i / groups
			words, first := m.buf[1:], n*plane+at
			if sp.each > 1 {
				into := &buf
				if repeat > 1 {
					into = &stretched
				}
				if stretchable(sp.each) {
					dst := o.dst.part(from, to)
					src := dst
					if o.op != opFactors {
						src = o.src.part(from, to)
					}
					m.isa.stretchCells(into[:bitstring.Words(length)], words[at/sp.each/64:], sp.each, dst.at, src.at)
				} else {
					bitstring.Stretch(into[:], words, first, length, sp.each)
				}
				words, first = into[:], 0
			}
			if sp.each == 1 || repeat > 1 {
				bitstring.Repeat(buf[:bitstring.Words(repeat*length)], words, first, length, whole)
			}
		}
		o.call(m, wake, from, to, buf[:bitstring.Words(to-from)])
		wake = max(wake-1, 0)
	}
}
