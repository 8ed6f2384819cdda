// Command gen writes the assembly of the kernels and its Go stubs. Run it with
// go generate in the root package, or:
//
//	go run ./gen -dir .
//
// A kernel's generator is in the file that bears its name, Philox's in bernoulli.go.
// The generic kernel of that name in kernel_generic.go explains the algorithm.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

// A file is a pair of an assembly file and its stubs.
type file struct {
	pkg, asm, stubs string
	kernels         []kernel
}

// A kernel is a generator and the instruction sets that it is run for.
type kernel struct {
	emit func(*amd64)
	sets []isa
}

var (
	both     = []isa{avx2, avx512}
	narrow   = []isa{avx2}
	wideOnly = []isa{avx512}
)

var files = []file{
	{
		pkg:   "dropblock",
		asm:   "kernel_amd64.s",
		stubs: "kernel_stubs_amd64.go",
		kernels: []kernel{
			{philox, both},
			{head, both},
			{gaps, narrow},
			{ones, both},
			{place, both},
			{seeds, narrow},
			{stamps, both},
			{dilateRow, both},
			{dilateStep, both},
			{dilateKeep, both},
			{dilateNear, wideOnly},
			{dilateBorder, both},
			{scale, both},
			{scaleStream, both},
			{expand, both},
			{expandBool, both},
			{count, both},
			{cpuid, narrow},
		},
	},
	{
		pkg:   "main",
		asm:   "bench/copy_amd64.s",
		stubs: "bench/copy_stubs_amd64.go",
		kernels: []kernel{
			{copyVector, both},
			{copyStream, both},
		},
	},
}

// neonKernels are those of kernel_arm64.s.
var neonKernels = []func(*neon){
	philoxNEON, headNEON, dilateRowNEON, dilateStepNEON, dilateKeepNEON,
	dilateBorderNEON, scaleNEON, expandNEON, expandBoolNEON, countNEON,
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	dir := flag.String("dir", "..", "root of the module to write to")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unexpected argument %q", flag.Arg(0))
	}
	for _, f := range files {
		if err := f.write(*dir); err != nil {
			log.Fatalf("%s: %v", f.asm, err)
		}
	}
	if err := writeNEON(*dir); err != nil {
		log.Fatalf("kernel_arm64.s: %v", err)
	}
}

func writeNEON(dir string) error {
	c := arm64.NewContext("gc,!purego")
	for _, emit := range neonKernels {
		emit(&neon{c})
	}
	asm, stubs, err := c.Print(printer.Config{Name: "gen", Pkg: "dropblock"})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel_arm64.s"), asm, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kernel_stubs_arm64.go"), stubs, 0o644)
}

func (f *file) write(dir string) error {
	c := build.NewContext()
	c.ConstraintExpr("gc,!purego")
	a := &amd64{Context: c, tables: map[string]operand.Mem{}}
	for _, k := range f.kernels {
		for _, a.isa = range k.sets {
			k.emit(a)
		}
	}
	out, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(out); err != nil {
		return err
	}
	if err := checkRegisters(out); err != nil {
		return err
	}
	cfg := printer.Config{Name: "gen", Pkg: f.pkg}
	for _, p := range []struct {
		printer printer.Printer
		name    string
	}{
		{printer.NewGoAsm(cfg), f.asm},
		{printer.NewStubs(cfg), f.stubs},
	} {
		text, err := p.printer.Print(out)
		if err != nil {
			return fmt.Errorf("printing %s: %w", p.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, p.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// checkRegisters refuses an AVX2 kernel to which the allocator, which knows all
// of AVX-512, gave more than 16 vector registers.
func checkRegisters(f *ir.File) error {
	for _, fn := range f.Functions() {
		if !strings.HasSuffix(fn.Name, "AVX2") {
			continue
		}
		for _, i := range fn.Instructions() {
			for _, r := range i.Registers() {
				if r.Kind() == reg.KindVector && reg.ToPhysical(r).PhysicalIndex() > 15 {
					return fmt.Errorf("%s: %s needs vector register %s, AVX2 has 16", fn.Name, i.Opcode, r.Asm())
				}
			}
		}
	}
	return nil
}
