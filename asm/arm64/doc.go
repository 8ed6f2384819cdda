// Package arm64 generates Go assembly for arm64 with Advanced SIMD (NEON) on
// top of github.com/mmcloughlin/avo, which is made for amd64: signatures, frame
// layout, control flow, liveness, graph coloring and printing are avo's, and
// the registers, instructions and the passes that know an architecture are this
// package's.
//
// A [Context] takes functions, one after the other. Registers are virtual:
// [Context.GP] and [Context.Vec] make as many as are wanted, and the compiler
// finds physical ones, or says which function has too many live at once. There
// is no spilling.
//
// # Instructions
//
// Every instruction is a method with the architecture's mnemonic, in capitals.
// Operands are in the architecture's order, unlike Go's: the destination is
// first, also that of a load, and the memory operand of a load or store last.
//
//	c.ADD(x, y, 64)                         // add x, y, #64
//	c.FMUL(d.S4(), n.S4(), m.S().At(1))     // fmul d.4s, n.4s, m.s[1]
//	c.LDP(v.Q(), w.Q(), src.Off(32))        // ldp q, q, [src, #32]
//	c.STR(v.S(), dst.Post(4))               // str s, [dst], #4
//	c.CSEL(x, y, z, arm64.NE)               // csel x, y, z, ne
//
// A general register is 64 bits wide, [GP.W] is its lower half. A vector
// register takes part under one of its views: an arrangement ([Vec.S4]), a
// scalar ([Vec.S]) or an element ([Scalar.At]). An operand typed any is a
// register or an integer, or a float64 for the floating-point instructions.
//
// What Go's assembler can spell is printed in its syntax, the rest as WORD with
// the instruction in the architecture's syntax behind it, encoded by
// github.com/dropblock-go/dropblock/asm/neon. The choice is not the caller's.
//
// # Parameters
//
// [Context.LoadBase], [Context.LoadLen], [Context.LoadParam] and [Context.LoadFloat]
// load what a signature names, [Context.Load] and [Context.Store] parts of it. A
// signature given to [Context.FunctionOf] may have a package's own types, and
// [Context.Deref] reaches the fields of a struct that a parameter points to, by name:
//
//	w := c.LoadParam("w")
//	c.Load(x, c.Deref(c.Param("w"), w).Field("next"))
//
// # Registers
//
// The allocator gives out R0 to R15, R19 to R26 and V0 to V31. R16 and R17
// belong to the linker, R18 to the platform, R27 to the assembler, R28 to the
// runtime (g), R29 is the frame pointer and R30 the link register: they are
// refused. [R] and [V] name physical registers, [ZR] is the zero register.
//
// # Errors
//
// A method that is called wrongly notes an error with the caller's line, the
// function, the mnemonic and the operand; [Context.Result] and [Context.Print]
// return all of them. Besides operands it is an error to read a register that
// is not written on every path before, and to end a function without a RET or a
// branch.
//
// # Features
//
// A function that uses vector registers needs ASIMD, which every ARMv8-A CPU of
// Go's ports has; those that need more, as arithmetic on .8H needs ASIMDHP, say
// so: under "Requires:" in front of the function and in [ir.Function].ISA. The
// names are those of golang.org/x/sys/cpu (HasASIMDHP).
package arm64

//go:generate go test -run TestMethods -update .
