// Command gen writes the assembly of the kernels, its Go stubs, and the Go that chooses
// between kernels. Run it with go generate in the root package, or:
//
//	go run ./gen
//
// The table of kernels is in kernels.go. A kernel's generator is in the file that bears
// its name, what generators share in words.go, shift.go, lanes.go and element.go, on the
// instructions of amd64.go, vector.go and neon.go. The generic kernel of that name in
// kernel_generic.go explains the algorithm.
package main

import (
	"flag"
	"fmt"
	"go/types"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"

	"github.com/dropblock-go/dropblock/asm/arm64"
)

const rootPath = "github.com/dropblock-go/dropblock"

// avoConstraint is that of assembly, in avo's syntax.
const avoConstraint = "gc,!purego,!noasm"

// An assembly is a pair of an assembly file and its stubs.
type assembly struct {
	pkg, asm, stubs string
	kernels         []kernel
}

var assemblies = []assembly{
	{"dropblock", "kernel_amd64.s", "kernel_stubs_amd64.go", kernels},
	{"main", "bench/copy_amd64.s", "bench/copy_stubs_amd64.go", benchKernels},
	{"cpucache", "internal/cpucache/cpuid_amd64.s", "internal/cpucache/cpuid_stubs_amd64.go", cacheKernels},
}

var neonAssembly = assembly{"dropblock", "kernel_arm64.s", "kernel_stubs_arm64.go", kernels}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	root := flag.String("root", ".", "the root package, whose declarations are read")
	dir := flag.String("dir", "", "where to write, if that is not the root package")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unexpected argument %q", flag.Arg(0))
	}
	if *dir == "" {
		*dir = *root
	}
	if err := generate(*root, *dir); err != nil {
		log.Fatal(err)
	}
}

func generate(root, dir string) error {
	pkg, err := loadRoot(root)
	if err != nil {
		return err
	}
	out := map[string][]byte{}
	for i := range assemblies {
		if err := assemblies[i].print(pkg, out); err != nil {
			return fmt.Errorf("%s: %w", assemblies[i].asm, err)
		}
	}
	if err := neonAssembly.printNEON(pkg, out); err != nil {
		return fmt.Errorf("%s: %w", neonAssembly.asm, err)
	}
	if out[signaturesFile], err = signatures(kernels); err != nil {
		return fmt.Errorf("%s: %w", signaturesFile, err)
	}
	for i := range buildKinds {
		b := &buildKinds[i]
		if out[b.file], err = b.dispatch(kernels); err != nil {
			return fmt.Errorf("%s: %w", b.file, err)
		}
	}
	for name, text := range out {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// avoSignature is the signature of a kernel's assembly, with the root package's types.
func (k *kernel) avoSignature(pkg *types.Package, e *element) (*gotypes.Signature, error) {
	s, err := gotypes.ParseSignatureInPackage(pkg, k.signature(e))
	if err != nil {
		return nil, fmt.Errorf("%s: signature: %w", k.name, err)
	}
	return s, nil
}

func (f *assembly) print(pkg *types.Package, out map[string][]byte) error {
	c := build.NewContext()
	c.ConstraintExpr(avoConstraint)
	a := &amd64{Context: c, tables: map[string]operand.Mem{}}
	for i := range f.kernels {
		k := &f.kernels[i]
		for _, e := range k.each() {
			signature, err := k.avoSignature(pkg, e)
			if err != nil {
				return err
			}
			for _, a.isa = range k.sets {
				if a.element = nil; e != nil {
					a.element = e.amd64
				}
				if k.emits(a.isa, e) {
					a.function(k.assembly(a.isa, e), signature, k.stubDoc(a.isa, e))
					k.amd64(a)
				}
			}
		}
	}
	result, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(result); err != nil {
		return err
	}
	if err := checkRegisters(result); err != nil {
		return err
	}
	cfg := printer.Config{Name: "gen", Pkg: f.pkg}
	if out[f.asm], err = printer.NewGoAsm(cfg).Print(result); err != nil {
		return err
	}
	out[f.stubs], err = printer.NewStubs(cfg).Print(result)
	return err
}

func (f *assembly) printNEON(pkg *types.Package, out map[string][]byte) (err error) {
	c := arm64.NewContext(avoConstraint)
	for i := range f.kernels {
		k := &f.kernels[i]
		for _, e := range k.each() {
			if !k.emits(neonSet, e) {
				continue
			}
			signature, err := k.avoSignature(pkg, e)
			if err != nil {
				return err
			}
			a := &neon{Context: c}
			if e != nil {
				a.element = e.neon
			}
			a.FunctionOf(k.assembly(neonSet, e), signature, k.stubDoc(neonSet, e))
			k.neon(a)
		}
	}
	out[f.asm], out[f.stubs], err = c.Print(printer.Config{Name: "gen", Pkg: f.pkg})
	return err
}

// checkRegisters refuses an AVX2 kernel to which the allocator, which knows all
// of AVX-512, gave more than 16 vector registers.
func checkRegisters(f *ir.File) error {
	for _, fn := range f.Functions() {
		if !strings.HasSuffix(fn.Name, avx2.name) {
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
