package arm64

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/printer"
	"github.com/stretchr/testify/require"
)

// derefFunction makes a context with one function that takes a pointer to a
// package's own struct.
func derefFunction(t *testing.T, body func(c *Context, w GP)) (asm, stubs string, err error) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", `package p
type walk struct {
	next  uint32
	speed float64
	steps [4]int16
	done  bool
}`, 0)
	require.NoError(t, err)
	conf := types.Config{Importer: importer.Default()}
	pkg, err := conf.Check("p", fset, []*ast.File{f}, nil)
	require.NoError(t, err)
	signature, err := gotypes.ParseSignatureInPackage(pkg, "func(w *walk, n int)")
	require.NoError(t, err)
	c := NewContext("")
	c.FunctionOf("f", signature, "f walks.")
	body(c, c.LoadParam("w"))
	a, s, err := c.Print(printer.Config{Name: "test", Pkg: "p"})
	return string(a), string(s), err
}

func TestDeref(t *testing.T) {
	asm, stubs, err := derefFunction(t, func(c *Context, w GP) {
		field := func(name string) gotypes.Component { return c.Deref(c.Param("w"), w).Field(name) }
		next, step, speed := c.GP(), c.GP(), c.Vec()
		c.Load(next, field("next"))
		c.Load(step, field("steps").Index(3))
		c.Load(speed.D(), field("speed"))
		c.ADD(next, next, step)
		c.Store(next, field("next"))
		c.Store(speed.D(), field("speed"))
		c.Store(step, field("done"))
		c.RET()
	})
	require.NoError(t, err)
	require.Contains(t, squeezed(asm), `TEXT ·f(SB), NOSPLIT, $0-16
	MOVD w+0(FP), R0
	MOVWU (R0), R1
	MOVH 22(R0), R2
	FMOVD 8(R0), F0
	ADD R2, R1, R1
	MOVW R1, (R0)
	FMOVD F0, 8(R0)
	MOVB R2, 24(R0)
	RET`)
	require.Contains(t, stubs, "// f walks.\n//\n//go:noescape\nfunc f(w *walk, n int)")
}

func TestDerefErrors(t *testing.T) {
	for _, e := range []struct {
		want string
		body func(c *Context, w GP)
	}{
		{"struct does not have field 'last'", func(c *Context, w GP) { c.Load(c.GP(), c.Deref(c.Param("w"), w).Field("last")) }},
		{"not pointer type", func(c *Context, w GP) { c.Load(c.GP(), c.Deref(c.Param("n"), w)) }},
		{"component is not primitive", func(c *Context, w GP) { c.Load(c.GP(), c.Deref(c.Param("w"), w)) }},
		{"deref: 32-bit register, want 64 bits", func(c *Context, w GP) { c.Load(c.GP(), c.Deref(c.Param("w"), w.W()).Field("next")) }},
		{"deref: zero register value, want one made by GP, Vec, R or V", func(c *Context, w GP) { c.Load(c.GP(), c.Deref(c.Param("w"), GP{}).Field("next")) }},
		{"memory at offset 8 of a parameter: scalar of size s, want 8 bytes", func(c *Context, w GP) {
			c.Load(c.Vec().S(), c.Deref(c.Param("w"), w).Field("speed"))
		}},
		// The pointer has to be loaded before.
		{"reads a general register that is not written on every path to it", func(c *Context, w GP) {
			c.Load(c.GP(), c.Deref(c.Param("w"), c.GP()).Field("next"))
		}},
	} {
		_, _, err := derefFunction(t, func(c *Context, w GP) {
			e.body(c, w)
			c.RET()
		})
		require.ErrorContains(t, err, e.want)
	}
}
