package arm64_test

import (
	"testing"

	"github.com/mmcloughlin/avo/operand"
	"github.com/stretchr/testify/require"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// maskedScale writes src·scale where the bit of keep is 1 and +0 elsewhere: 32
// elements a turn, whose word of bits is in all lanes and tested there against
// each lane's own.
func maskedScale(c *arm64.Context) {
	c.Function("maskedScale", "func(dst, src []float32, keep []uint64, scale float32)")
	dst, n, src, keep := c.LoadBase("dst"), c.LoadLen("dst"), c.LoadBase("src"), c.LoadBase("keep")
	scale := c.LoadFloat("scale")
	c.DUP(scale.S4(), scale.S().At(0))

	var bits []operand.Constant
	for i := range 32 {
		bits = append(bits, operand.U32(1<<i))
	}
	table, lane := c.GP(), c.Vecs(8)
	c.ADR(table, c.Data("laneBits", bits...))
	for i := 0; i < 8; i += 2 {
		c.LDP(lane[i].Q(), lane[i+1].Q(), table.Off(16*i))
	}

	c.SUBS(n, n, 32)
	c.BLT("tail")
	c.Label("loop")
	word, x := c.Vec(), c.Vecs(8)
	c.LD1R(word.S4(), keep.Post(4))
	for i := 0; i < 8; i += 2 {
		c.LDP(x[i].Q(), x[i+1].Q(), src.Off(16*i))
	}
	for i, x := range x {
		m := c.Vec()
		c.FMUL(x.S4(), x.S4(), scale.S4())
		c.CMTST(m.S4(), word.S4(), lane[i].S4())
		c.AND(x.B16(), x.B16(), m.B16())
	}
	for i := 0; i < 8; i += 2 {
		c.STP(x[i].Q(), x[i+1].Q(), dst.Off(16*i))
	}
	c.ADD(src, src, 128)
	c.ADD(dst, dst, 128)
	c.SUBS(n, n, 32)
	c.BGE("loop")

	c.Label("tail")
	c.ADDS(n, n, 32)
	c.BEQ("done")
	rest, zero := c.GP(), c.Vec()
	c.LDR(rest.W(), keep.Off(0))
	c.MOVI(zero.D2(), 0)
	c.Label("element")
	v := c.Vec()
	c.LDR(v.S(), src.Post(4))
	c.FMUL(v.S(), v.S(), scale.S())
	c.TST(rest, 1)
	c.FCSEL(v.S(), v.S(), zero.S(), arm64.NE)
	c.STR(v.S(), dst.Post(4))
	c.LSR(rest, rest, 1)
	c.SUBS(n, n, 1)
	c.BNE("element")
	c.Label("done")
	c.RET()
}

const maskedScaleMain = `package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

func main() {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 0; n <= 300; n++ {
		src, dst := make([]float32, n), make([]float32, n+8)
		for i := range src {
			src[i] = rng.Float32() - 0.5
		}
		for i, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), 0, math.Copysign(0, -1), 1e-45} {
			if n > 0 {
				src[(n*(i+1)/7)%n] = float32(v)
			}
		}
		keep := make([]uint64, (n+63)/64)
		for i := range keep {
			keep[i] = rng.Uint64()
		}
		for i := range dst {
			dst[i] = 42
		}
		maskedScale(dst[:n], src, keep, 1.25)
		for i, got := range dst {
			want := float32(42)
			if i < n {
				want = 0
				if keep[i>>6]>>(i&63)&1 != 0 {
					want = src[i] * 1.25
				}
			}
			if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
				fmt.Printf("length %d, element %d: %v, want %v\n", n, i, got, want)
			}
		}
	}
	fmt.Println("done")
}
`

// TestMaskedScale compares a kernel with Go.
func TestMaskedScale(t *testing.T) {
	c := arm64.NewContext("gc,!purego")
	maskedScale(c)
	dir := arm64.Module(t, c, maskedScaleMain)
	arm64.Vet(t, dir)
	require.Equal(t, "done\n", arm64.Run(t, dir, "cortex-a57", "neoverse-n1", "max"))
}
