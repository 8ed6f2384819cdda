package neon

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ExampleEncode() {
	in, err := Encode("umull", Vec{0, D2}, Vec{1, S2}, Vec{2, S2})
	fmt.Printf("%#x %s %v\n", in.Word, in.Text, err)
	_, err = Encode("umull", Vec{0, S4}, Vec{1, S2}, Vec{2, S2})
	fmt.Println(err)
	// Output:
	// 0x2ea2c020 umull v0.2d, v1.2s, v2.2s <nil>
	// umull: destination arrangement 4s, want 2d for sources 2s
}

func TestErrors(t *testing.T) {
	v := func(a Arr) Vec { return Vec{1, a} }
	for _, c := range []struct {
		name string
		ops  []Operand
		want string
	}{
		{"vmul", nil, "vmul: unknown instruction"},
		{"fmul", []Operand{v(S4), v(S4)}, "fmul: 2 operands, want 3"},
		{"fmul", []Operand{v(S4), v(S4), Imm(1)}, "fmul: operand 3 is an immediate, want a vector or an element"},
		{"fmul", []Operand{v(S4), v(S4), v(S2)}, "fmul: second source arrangement 2s, want 4s for destination 4s"},
		{"fmul", []Operand{v(B16), v(B16), v(B16)}, "fmul: destination arrangement 16b, want 4h, 8h, 2s, 4s or 2d"},
		{"fmul", []Operand{v(H8), v(H8), Elem{16, H, 7}}, "fmul: operand 3: element of size h of v16, want v0 to v15"},
		{"fmul", []Operand{v(S4), v(S4), Elem{1, S, 4}}, "fmul: operand 3: element index 4 of s, want 0 to 3"},
		{"fmul", []Operand{v(S4), nil, v(S4)}, "fmul: operand 2 is nil"},
		{"umull2", []Operand{v(D2), v(S2), v(S2)}, "umull2: first source arrangement 2s, want 4s"},
		{"umull", []Operand{v(S4), v(S2), v(S2)}, "umull: destination arrangement 4s, want 2d for sources 2s"},
		{"xtn", []Operand{v(S4), v(D2)}, "xtn: destination arrangement 4s, want 2s"},
		{"mul", []Operand{v(D2), v(D2), v(D2)}, "mul: destination arrangement 2d, want 8b, 16b, 4h, 8h, 2s or 4s"},
		{"add", []Operand{Vec{32, S4}, v(S4), v(S4)}, "add: operand 1: vector register 32, want 0 to 31"},
		{"add", []Operand{v(S4), v(9), v(S4)}, "add: operand 2: unknown arrangement Arr(9)"},
		{"ushr", []Operand{v(S4), v(S4), Imm(33)}, "ushr: immediate 33, want 1 to 32"},
		{"shl", []Operand{v(S4), v(S4), Imm(32)}, "shl: immediate 32, want 0 to 31"},
		{"ext", []Operand{v(B8), v(B8), v(B8), Imm(8)}, "ext: immediate 8, want 0 to 7"},
		{"cmeq", []Operand{v(B8), v(B8), Imm(8)}, "cmeq: immediate 8, want 0"},
		{"fcmeq", []Operand{v(S4), v(S4), Float(math.Copysign(0, -1))}, "fcmeq: immediate #-0.0, want 0"},
		{"umaxv", []Operand{FP{0, B}, v(S4)}, "umaxv: destination size b, want s for source 4s"},
		{"umaxv", []Operand{FP{0, S}, v(S2)}, "umaxv: source arrangement 2s, want 8b, 16b, 4h, 8h or 4s"},
		{"movi", []Operand{v(S4), Imm(256)}, "movi: immediate 256, want 0 to 255"},
		{"movi", []Operand{v(S4), Imm(1), Shift{N: 4}}, "movi: shift lsl #4, want a multiple of 8 up to 24 for 4s"},
		{"movi", []Operand{v(D2), Imm(1)}, "movi: immediate 0x1, want bytes of 0 and 0xff"},
		{"fmov", []Operand{v(S4), Float(0.1)}, "fmov: immediate #0.1, want ±n/16·2^r with n from 16 to 31 and r from -3 to 4"},
		{"dup", []Operand{v(D2), GP{1, true}}, "dup: source w, want x for destination 2d"},
		{"umov", []Operand{GP{1, false}, Elem{1, S, 0}}, "umov: source size s, want d for destination x"},
		{"ldp", []Operand{FP{1, Q}, FP{2, Q}, Mem{Off: 8}}, "ldp: offset 8, want a multiple of 16 from -1024 to 1008"},
		{"ldp", []Operand{FP{1, Q}, FP{1, Q}, Mem{}}, "ldp: both destinations are one register"},
		{"ldp", []Operand{FP{1, Q}, FP{2, S}, Mem{}}, "ldp: destination size s, want q for destination q"},
		{"stnp", []Operand{FP{1, Q}, FP{2, Q}, Mem{Off: 16, Mode: Post}}, "stnp: memory [x0], #16, want no write-back"},
		{"ldr", []Operand{FP{1, Q}, Mem{Off: -257}}, "ldr: offset -257, want -256 to 255 or a multiple of 16 up to 65520"},
		{"ldr", []Operand{FP{1, S}, Mem{Mode: Index, Shift: 3}}, "ldr: index shift 3, want 0 or 2 for size s"},
		{"ld1r", []Operand{List{1, 1, S4}, Mem{Off: 8, Mode: Post}}, "ld1r: offset 8, want 4"},
		{"ld1", []Operand{List{1, 5, S4}, Mem{}}, "ld1: operand 1: list of 5 registers, want 1 to 4"},
		{"ld2", []Operand{List{1, 3, S4}, Mem{}}, "ld2: list of 3 registers, want 2"},
		{"fcsel", []Operand{FP{1, S}, FP{1, S}, FP{1, S}, Cond(15)}, "fcsel: operand 4: unknown condition Cond(15)"},
	} {
		_, err := Encode(c.name, c.ops...)
		assert.EqualError(t, err, c.want)
	}
}

// TestRandomOperands gives every mnemonic operands of any kind and value: what
// is not refused must come back from the disassembler.
func TestRandomOperands(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	any := func() int {
		switch rng.IntN(16) {
		default:
			return rng.IntN(8)
		case 1, 2, 3, 4, 5, 6:
			return rng.IntN(33)
		case 7:
			return 1<<rng.IntN(12) - rng.IntN(3)
		case 8:
			return int(rng.Uint64())
		}
	}
	var common Arr // of most of an instruction's operands, so that some are legal
	arr := func() Arr {
		if rng.IntN(4) > 0 {
			return common
		}
		return Arr(rng.IntN(int(D2) + 2))
	}
	kinds := []kind{kindVec, kindElem, kindFP, kindGP, kindImm, kindFloat, kindShift, kindCond, kindList, kindLane, kindMem}
	random := func(k kind) Operand {
		switch k {
		case kindVec:
			return Vec{any(), arr()}
		case kindElem:
			return Elem{any(), arr().Size(), any()}
		case kindFP:
			return FP{any(), arr().Size()}
		case kindGP:
			return GP{any(), rng.IntN(2) == 0}
		case kindImm:
			return Imm(any())
		case kindFloat:
			return Float(math.Float64frombits(bits.RotateLeft64(uint64(any()), -rng.IntN(2)*12)))
		case kindShift:
			return Shift{any(), rng.IntN(2) == 0}
		case kindCond:
			return Cond(rng.IntN(16))
		case kindList:
			return List{any(), any(), arr()}
		case kindLane:
			return Lane{any(), any(), arr().Size(), any()}
		case kindMem:
			return Mem{any(), any(), Mode(rng.IntN(6)), any(), any()}
		}
		return nil
	}
	legal, refused := 0, 0
	for _, f := range Forms() {
		for range 2000 {
			var ops []Operand
			common = Arr(rng.IntN(int(D2) + 1))
			for _, k := range f.Shape {
				ops = append(ops, random(kind(k)))
			}
			switch rng.IntN(20) {
			case 0:
				ops = ops[:len(ops)-1]
			case 1:
				ops = append(ops, random(kinds[rng.IntN(len(kinds))]))
			case 2:
				ops[rng.IntN(len(ops))] = random(kinds[rng.IntN(len(kinds))])
			case 3:
				ops[rng.IntN(len(ops))] = nil
			}
			in, err := Encode(f.Name, ops...)
			if err != nil {
				refused++
				if !strings.HasPrefix(err.Error(), f.Name+": ") {
					t.Fatalf("%s %v: %v", f.Name, ops, err)
				}
				continue
			}
			legal++
			if s := decode(t, in); s != nil {
				if got, want := normal(*s), normal(preferred(in)); got != want {
					t.Fatalf("%08x: arm64asm has %s, want %s", in.Word, *s, in.Text)
				}
			}
		}
	}
	require.Greater(t, legal, 10000)
	t.Logf("%d legal, %d refused", legal, refused)
}
