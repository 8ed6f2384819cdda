package main

// gaps takes eight words at a time: their table entries are loaded one
// by one (a gather is slow where microcode guards it), and gaps become positions
// by a prefix sum.
func gaps(a *amd64) {
	positions, table, w := a.param("positions"), a.param("t"), a.param("w")
	drawn, left := a.slice("drawn")
	to := a.movq(positions)
	escape, one := a.load(a.repeat32("gapEscape", uint32(gapEscape))), a.load(a.repeat32("one32", 1))
	end, next := a.spread(a.field("w", w, "end")), a.spread(a.field("w", w, "next"))
	compress := a.leaq(a.compressions())

	// Entries are loaded an iteration ahead, which hides their latency.
	ahead := a.YMM()
	a.CMPQ(left, u8(8))
	a.JL(ref("drawDone"))
	a.gapEntries(drawn, table, ahead)
	a.loop("draw", left, 8, func() {
		// own := word >> (32 - gapBits)
		// e := t[own]
		// fraction := word<<gapBits | gapEscape
		own, fraction, e := a.YMM(), a.YMM(), a.YMM()
		a.VMOVDQA(ahead, e)
		a.VMOVDQU(at(drawn, 0), own)
		a.VPSLLD(u8(gapBits), own, fraction)
		a.VPOR(escape, fraction, fraction)
		a.VPSRLD(u8(32-gapBits), own, own)

		// alias := e & gapEscape
		// gap := own if fraction < e, else alias. Equal fractions are not below.
		notBelow, gap := a.YMM(), a.YMM()
		a.VPMAXUD(e, fraction, notBelow)
		a.VPCMPEQD(fraction, notBelow, notBelow)
		a.VPAND(escape, e, e)
		a.VPBLENDVB(notBelow, e, own, gap)

		// next += gap + 1, or gap alone for gapEscape; none is -1 there. Each lane adds the
		// sum of the lanes up to it, and the next iteration begins with the last lane.
		none, after := a.YMM(), a.YMM()
		a.VPCMPEQD(escape, gap, none)
		a.VPADDD(one, gap, after)
		a.VPADDD(none, after, after)
		a.prefixSum(after)
		a.VPADDD(next, after, after)
		a.VPERMD(after, a.load(a.repeat32("lane7", 7)), next)

		// e of the next iteration, if there is one.
		then := a.leaq(at(drawn, 32))
		a.CMPQ(left, u8(16))
		a.CMOVQLT(drawn, then)
		a.gapEntries(then, table, ahead)

		// positions[n] = next - 1 where gap != gapEscape && next - 1 < end; n++ for each.
		position, seed := a.YMM(), a.YMM()
		a.VPSUBD(one, after, position)
		a.VPCMPGTD(position, end, seed)
		a.VPANDN(seed, none, seed)
		set, order := a.GP64(), a.YMM()
		a.VMOVMSKPS(seed, set.As32())
		a.VPMOVZXBD(at(compress, 0).Idx(set, 8), order)
		a.VPERMD(position, order, position)
		a.VMOVDQU(position, at(to, 0))
		a.POPCNTL(set.As32(), set.As32())
		a.LEAQ(at(to, 0).Idx(set, 4), to)

		a.ADDQ(u8(32), drawn)
		// if next >= end { break }
		past := a.GP32()
		a.VMOVD(next.AsX(), past)
		a.CMPL(past, a.field("w", w, "end"))
		a.JGE(ref("drawDone"))
	})
	a.VMOVD(next.AsX(), a.field("w", w, "next"))
	a.SUBQ(positions, to)
	a.SHRQ(u8(2), to)
	a.Store(to, a.ReturnIndex(0))
	a.ret()
}

// compressions has for each set of eight lanes their numbers, in bytes.
func (a *amd64) compressions() mem {
	return a.data("compressions", table(256, func(set int) (lanes u64) {
		n := 0
		for lane := range 8 {
			if set>>lane&1 != 0 {
				lanes |= u64(lane) << (8 * n)
				n++
			}
		}
		return lanes
	})...)
}

// gapEntries loads the table's entries for the top bits of eight words.
func (a *amd64) gapEntries(drawn, table gp, e vec) {
	var halves [2]vec
	for h := range halves {
		x := a.XMM()
		for i := 0; i < 4; i += 2 {
			// Two words at a time, as the throughput of loads is the limit.
			first, second := a.GP64(), a.GP64()
			a.MOVQ(at(drawn, 16*h+4*i), second)
			a.MOVL(second.As32(), first.As32())
			a.SHRL(u8(32-gapBits), first.As32())
			a.SHRQ(u8(64-gapBits), second)
			for k, own := range []gp{first, second} {
				entry := at(table, 0).Idx(own, 4)
				if i+k == 0 {
					a.VMOVD(entry, x)
				} else {
					a.VPINSRD(u8(i+k), entry, x, x)
				}
			}
		}
		halves[h] = x
	}
	a.VINSERTI128(u8(1), halves[1], halves[0].AsY(), e)
}

// prefixSum makes lane i the sum of the lanes 0 to i.
func (a *amd64) prefixSum(v vec) {
	t := a.YMM()
	for _, bytes := range []uint8{4, 8} {
		a.VPSLLDQ(u8(bytes), v, t)
		a.VPADDD(t, v, v)
	}
	// The sum of the lower four lanes goes to the upper four.
	a.VPERM2I128(u8(0x08), v, v, t)
	a.VPSHUFD(u8(0xff), t, t)
	a.VPADDD(t, v, v)
}
