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

// An assembly is a pair of an assembly file and its stubs. print returns the text of both.
type assembly struct {
	pkg, asm, stubs string
	kernels         []*kernel
	print           func(*assembly, *types.Package) (asm, stubs []byte, err error)
}

var assemblies = []assembly{
	{"dropblock", "kernel_amd64.s", "kernel_stubs_amd64.go", kernels, (*assembly).printAMD64},
	{"dropblock", "kernel_arm64.s", "kernel_stubs_arm64.go", kernels, (*assembly).printNEON},
	{"main", "bench/copy_amd64.s", "bench/copy_stubs_amd64.go", benchKernels, (*assembly).printAMD64},
	{"cpucache", "internal/cpucache/cpuid_amd64.s", "internal/cpucache/cpuid_stubs_amd64.go", cacheKernels, (*assembly).printAMD64},
}

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
		f := &assemblies[i]
		if out[f.asm], out[f.stubs], err = f.print(f, pkg); err != nil {
			return fmt.Errorf("%s: %w", f.asm, err)
		}
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

// each calls function for the assembly that sets have of kernels.
func (f *assembly) each(pkg *types.Package, sets []isa, function func(*kernel, *element, isa, *gotypes.Signature)) error {
	for _, k := range f.kernels {
		for _, e := range k.each() {
			signature, err := gotypes.ParseSignatureInPackage(pkg, k.signature(e))
			if err != nil {
				return fmt.Errorf("%s: signature: %w", k.name, err)
			}
			for _, set := range sets {
				if k.emits(set, e) {
					function(k, e, set, signature)
				}
			}
		}
	}
	return nil
}

func (f *assembly) printAMD64(pkg *types.Package) (asm, stubs []byte, err error) {
	a := &amd64{Context: build.NewContext(), tables: map[string]operand.Mem{}}
	a.ConstraintExpr(avoConstraint)
	err = f.each(pkg, []isa{avx2, avx512, anyCPU}, func(k *kernel, e *element, set isa, s *gotypes.Signature) {
		a.isa, a.element = set, e.amd64
		a.function(k.assembly(set, e), s, k.stubDoc(set, e))
		k.amd64(a)
	})
	if err != nil {
		return nil, nil, err
	}
	result, err := a.Result()
	if err != nil {
		return nil, nil, err
	}
	if err := pass.Compile.Execute(result); err != nil {
		return nil, nil, err
	}
	if err := checkRegisters(result); err != nil {
		return nil, nil, err
	}
	cfg := printer.Config{Name: "gen", Pkg: f.pkg}
	if asm, err = printer.NewGoAsm(cfg).Print(result); err != nil {
		return nil, nil, err
	}
	stubs, err = printer.NewStubs(cfg).Print(result)
	return asm, stubs, err
}

func (f *assembly) printNEON(pkg *types.Package) (asm, stubs []byte, err error) {
	c := arm64.NewContext(avoConstraint)
	err = f.each(pkg, []isa{neonSet}, func(k *kernel, e *element, set isa, s *gotypes.Signature) {
		c.FunctionOf(k.assembly(set, e), s, k.stubDoc(set, e))
		k.neon(&neon{c, e.neon})
	})
	if err != nil {
		return nil, nil, err
	}
	return c.Print(printer.Config{Name: "gen", Pkg: f.pkg})
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
