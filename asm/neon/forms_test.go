package neon

import (
	"hash/fnv"
	"math/rand/v2"
)

// candidates are the operands of a kind that the tests try; registers are drawn.
func candidates(k kind) (out []Operand) {
	switch k {
	case kindVec:
		for a := B8; a <= D2; a++ {
			out = append(out, Vec{0, a})
		}
	case kindElem:
		for z := B; z <= D; z++ {
			last := 16>>z - 1
			for _, i := range []int{0, last / 3, last} {
				if i > 0 && i == last/3 && i == last {
					continue
				}
				out = append(out, Elem{0, z, i})
			}
		}
	case kindFP:
		for z := B; z <= Q; z++ {
			out = append(out, FP{0, z})
		}
	case kindGP:
		out = append(out, GP{0, false}, GP{0, true})
	case kindImm:
		for _, v := range []int64{0, 1, 5, 8, 15, 16, 31, 32, 63, 64, 255, -0xff00ff00ff0100, -1} {
			out = append(out, Imm(v))
		}
	case kindFloat:
		for _, f := range []float64{0, 0.125, 1, -2.125, 31} {
			out = append(out, Float(f))
		}
	case kindShift:
		out = append(out, Shift{N: 8}, Shift{N: 16}, Shift{N: 24}, Shift{8, true}, Shift{16, true})
	case kindCond:
		out = append(out, EQ, LT, HI)
	case kindList:
		for n := 1; n <= 4; n++ {
			for a := B8; a <= D2; a++ {
				out = append(out, List{0, n, a})
			}
		}
	case kindLane:
		for n := 1; n <= 4; n++ {
			for z := B; z <= D; z++ {
				for _, i := range []int{0, 1, 16>>z - 1} {
					out = append(out, Lane{0, n, z, i})
				}
			}
		}
	case kindMem:
		for _, off := range []int{0, 16, -1, -256, 4080} {
			out = append(out, Mem{Off: off})
		}
		for _, off := range []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64} {
			out = append(out, Mem{Off: off, Mode: Post})
		}
		out = append(out, Mem{Off: 240, Mode: Pre}, Mem{Mode: PostReg}, Mem{Mode: Index},
			Mem{Mode: Index, Shift: 2}, Mem{Mode: Index, Shift: 4})
	}
	return out
}

// fill draws the registers of an operand.
func fill(o Operand, rng *rand.Rand) Operand {
	r := rng.IntN(32)
	switch o := o.(type) {
	case Vec:
		o.N = r
		return o
	case Elem:
		if o.N = r; o.Size == H {
			o.N = r / 2
		}
		return o
	case FP:
		o.N = r
		return o
	case GP:
		o.N = r
		return o
	case List:
		o.N = r
		return o
	case Lane:
		o.N = r
		return o
	case Mem:
		o.Base = r
		if o.Mode == Index || o.Mode == PostReg {
			o.Index = rng.IntN(31)
		}
		return o
	}
	return o
}

// legal calls f with every legal instruction over the candidates.
func legal(f func(Inst, []Operand)) {
	for _, form := range Forms() {
		h := fnv.New64a()
		h.Write([]byte(form.Name + " " + form.Shape))
		rng := rand.New(rand.NewPCG(h.Sum64(), 0))
		var walk func(ops []Operand)
		walk = func(ops []Operand) {
			if n := len(ops); n < len(form.Shape) {
				for _, o := range candidates(kind(form.Shape[n])) {
					walk(append(ops[:n:n], o))
				}
				return
			}
			filled := make([]Operand, len(ops))
			for range form.Writes + 1 { // a pair's two registers may be drawn equal
				for i, o := range ops {
					filled[i] = fill(o, rng)
				}
				if in, err := Encode(form.Name, filled...); err == nil {
					f(in, filled)
					return
				}
			}
		}
		walk(nil)
	}
}
