package arm64

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/neon"
)

// Kinds of registers, which are none of avo's.
const (
	KindGP  reg.Kind = 0x40 + iota // general registers
	KindVec                        // vector registers
)

var kindNames = map[reg.Kind]string{KindGP: "general", KindVec: "vector"}

// physical is a register of the CPU. The embedded register, a virtual one of
// avo's, has the methods that avo does not export.
type physical struct {
	reg.Register
	name string
}

// ID is the identity that avo gives a physical register of kind and index. Its
// constructor is not exported, but a virtual register's differs in the lowest
// bit, which tells them apart; init checks that.
func (p physical) ID() reg.ID               { return p.Register.ID() &^ 1 }
func (p physical) PhysicalIndex() reg.Index { return p.ID().Index() }
func (p physical) Info() reg.Info           { return reg.None }
func (p physical) Asm() string              { return p.name }

func newPhysical(k reg.Kind, n int) physical {
	if k == KindGP {
		return physical{reg.NewVirtual(reg.Index(n), k, reg.S64), fmt.Sprintf("R%d", n)}
	}
	return physical{reg.NewVirtual(reg.Index(n), k, reg.S128), fmt.Sprintf("V%d", n)}
}

var (
	vectors     [32]reg.Physical
	generals    [31]reg.Physical
	allocatable = map[reg.Kind][]reg.Physical{}
	// The zero register and the stack pointer are not allocated and not live.
	zero  = physical{reg.NewVirtual(31, KindGP, reg.S64), "ZR"}
	stack = physical{reg.NewVirtual(31, KindGP, reg.S64), "RSP"}
)

// reserved says whose a register is.
var reserved = map[int]string{
	16: "the linker's", 17: "the linker's", 18: "the platform's", 27: "the assembler's",
	28: "the runtime's g", 29: "the frame pointer", 30: "the link register",
}

func init() {
	for i := range generals {
		generals[i] = newPhysical(KindGP, i)
		if reserved[i] == "" {
			allocatable[KindGP] = append(allocatable[KindGP], generals[i])
		}
	}
	for i := range vectors {
		vectors[i] = newPhysical(KindVec, i)
		allocatable[KindVec] = append(allocatable[KindVec], vectors[i])
	}
	for k, rs := range allocatable {
		for _, r := range rs {
			if id := r.ID(); !id.IsPhysical() || id.Kind() != k || id.Index() != r.PhysicalIndex() {
				panic("arm64: avo's register identities have changed")
			}
		}
	}
}

// GP is a general register, of which an instruction uses 64 bits or, by W, the
// lower 32.
type GP struct {
	r reg.Register
	w bool
}

// W is the lower half. Writing it clears the upper half.
func (g GP) W() GP { return GP{g.r, true} }

// X is the whole register.
func (g GP) X() GP { return GP{g.r, false} }

// R is the physical register Rn.
func R(n int) GP {
	if n < 0 || n >= len(generals) {
		return GP{r: physical{nil, fmt.Sprintf("R%d", n)}}
	}
	return GP{r: generals[n]}
}

// ZR is the zero register.
var ZR = GP{r: zero}

// Vec is a vector register. Instructions take its views.
type Vec struct{ r reg.Register }

// V is the physical register Vn.
func V(n int) Vec {
	if n < 0 || n >= len(vectors) {
		return Vec{physical{nil, fmt.Sprintf("V%d", n)}}
	}
	return Vec{vectors[n]}
}

// VecArr is a vector register with an arrangement.
type VecArr struct {
	r   reg.Register
	arr neon.Arr
}

// Arr is the vector with an arrangement.
func (v Vec) Arr(a neon.Arr) VecArr { return VecArr{v.r, a} }

// The arrangements: B8 is v.8b, and so on.

func (v Vec) B8() VecArr  { return VecArr{v.r, neon.B8} }
func (v Vec) B16() VecArr { return VecArr{v.r, neon.B16} }
func (v Vec) H4() VecArr  { return VecArr{v.r, neon.H4} }
func (v Vec) H8() VecArr  { return VecArr{v.r, neon.H8} }
func (v Vec) S2() VecArr  { return VecArr{v.r, neon.S2} }
func (v Vec) S4() VecArr  { return VecArr{v.r, neon.S4} }
func (v Vec) D1() VecArr  { return VecArr{v.r, neon.D1} }
func (v Vec) D2() VecArr  { return VecArr{v.r, neon.D2} }

// Vec is the register.
func (v VecArr) Vec() Vec { return Vec{v.r} }

// Scalar is the lowest element of a vector register, or all of it (Q). Writing
// it clears the rest.
type Scalar struct {
	r    reg.Register
	size neon.Size
}

// Scalar is the scalar of a size.
func (v Vec) Scalar(z neon.Size) Scalar { return Scalar{v.r, z} }

// The scalars: B is the lowest byte, and so on.

func (v Vec) B() Scalar { return Scalar{v.r, neon.B} }
func (v Vec) H() Scalar { return Scalar{v.r, neon.H} }
func (v Vec) S() Scalar { return Scalar{v.r, neon.S} }
func (v Vec) D() Scalar { return Scalar{v.r, neon.D} }
func (v Vec) Q() Scalar { return Scalar{v.r, neon.Q} }

// Vec is the register.
func (s Scalar) Vec() Vec { return Vec{s.r} }

// Elem is an element of a vector register.
type Elem struct {
	r     reg.Register
	size  neon.Size
	index int
}

// At is the element of the scalar's size at an index: v.S().At(3) is v.s[3].
func (s Scalar) At(index int) Elem { return Elem{s.r, s.size, index} }
