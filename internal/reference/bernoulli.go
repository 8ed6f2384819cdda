package reference

import "math/big"

// chunkLen is the number of positions that share a range of counters, and
// groupLen that of those that share the counters of a level of the head
// (docs/stream.md, sections 7 and 8).
const (
	chunkLen = 65536
	groupLen = 1024
)

// Bernoulli returns which of the positions 0 to n−1 of a sample are seeds with
// probability gamma (docs/stream.md, sections 5 to 9).
func Bernoulli(gamma float64, n int, key [2]uint32, sample uint64) []bool {
	seeds := make([]bool, n)
	if gamma == 1 {
		return Complement(seeds)
	}
	fixed := fixed64(gamma)
	if fixed.Sign() == 0 {
		return seeds
	}
	t, k, delta := split(fixed)
	gaps := NewGapTable(delta)
	for chunk := 0; chunk*chunkLen < n; chunk++ {
		part := seeds[chunk*chunkLen : min((chunk+1)*chunkLen, n)]
		counter := [4]uint32{0, uint32(chunk), lo(sample), hi(sample)}
		if k > 0 {
			Head(part, t, k, key, counter)
		}
		if delta > 0 {
			counter[0] = 1 << 31
			gaps.residual(part, key, counter)
		}
	}
	return seeds
}

// fixed64 is ⌊γ·2⁶⁴⌋ (docs/stream.md, section 5).
func fixed64(gamma float64) *big.Int {
	x := new(big.Float).SetFloat64(gamma)
	x.SetMantExp(x, 64)
	fixed, _ := x.Int(nil)
	return fixed
}

// split returns the head t/2^k and the residual Δ/2⁶⁴ of the lowest cost, in
// units of 2⁻⁵⁶ levels (docs/stream.md, section 6).
func split(fixed *big.Int) (t uint32, k int, delta uint64) {
	one := new(big.Int).Lsh(big.NewInt(1), 64) // 2⁶⁴
	var best *big.Int
	for level := 0; level <= 10; level++ {
		head := new(big.Int).Rsh(fixed, uint(64-level))
		h := new(big.Int).Lsh(head, uint(64-level))
		d := new(big.Int).Lsh(new(big.Int).Sub(fixed, h), 64)
		d.Div(d, new(big.Int).Sub(one, h))

		cost := new(big.Int).Lsh(big.NewInt(int64(level)), 56)
		cost.Add(cost, new(big.Int).Div(d, big.NewInt(2)))
		if best == nil || cost.Cmp(best) < 0 {
			best, t, k, delta = cost, uint32(head.Uint64()), level, d.Uint64()
		}
	}
	return t, k, delta
}

// Head sets which positions of a chunk draw a number below t, of k random bits
// (docs/stream.md, section 8). The counter is that of the first group's first
// level.
func Head(seeds []bool, t uint32, k int, key [2]uint32, counter [4]uint32) {
	numbers := make([]uint32, len(seeds))
	for level := range k {
		for i, u := range HeadBits(Rounds, len(seeds), level, key, counter) {
			if !u {
				numbers[i] |= 1 << level
			}
		}
	}
	for i, number := range numbers {
		seeds[i] = number < t
	}
}

// HeadBits returns the random bits u of the first n positions of a chunk at a
// level of the head (docs/stream.md, section 8), drawn with so many rounds of
// Philox. The counter is that of the first group's first level.
func HeadBits(rounds, n, level int, key [2]uint32, counter [4]uint32) []bool {
	bits := make([]bool, n)
	var w [4]uint32
	for i := range bits {
		group, j := i/groupLen, i/64%16
		if i%64 == 0 {
			c := counter
			c[0] += uint32(512*level + 8*group + j%8)
			w = PhiloxRounds(rounds, c, key)
		}
		bits[i] = w[2*(j/8)+i/32%2]>>(i%32)&1 == 1
	}
	return bits
}

// residual adds seeds to those of a chunk, a gap apart (docs/stream.md, section
// 9, drawing).
func (gaps *GapTable) residual(seeds []bool, key [2]uint32, counter [4]uint32) {
	for x := 0; ; counter[0]++ {
		for _, word := range Philox(counter, key) {
			gap := int(gaps.Gap(word))
			x += gap
			if x >= len(seeds) {
				return
			}
			if gap < 1023 {
				seeds[x] = true
				x++
			}
		}
	}
}
