package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
)

// The types of the kernels' parameters, and the constants that kernels and their callers
// share, are declared once, in the root package. The generators read them from its source.

// Constants of the root package, under the same names.
var (
	philoxM0, philoxM1, philoxRounds int
	headGroupWords, headLevelStride  int
	gapCallLen, gapBits, gapEscape   int
	stampWords                       int
	rootHalf, noiseStride            int
	rootConstants                    = map[string]*int{
		"philoxM0": &philoxM0, "philoxM1": &philoxM1, "philoxRounds": &philoxRounds,
		"headGroupWords": &headGroupWords, "headLevelStride": &headLevelStride,
		"gapCallLen": &gapCallLen, "gapBits": &gapBits, "gapEscape": &gapEscape,
		"stampWords": &stampWords,
		"rootHalf":   &rootHalf, "noiseStride": &noiseStride,
	}
)

// rootFloats are its constants that are float32 in all kernels, the coefficients of polynomials.
var rootFloats = map[string]float32{}

// rootFloat is one of them.
func rootFloat(name string) float32 {
	v, ok := rootFloats[name]
	if !ok {
		panic("the root package has no constant " + name)
	}
	return v
}

// loadRoot type-checks the declarations of the root package and sets the constants. It
// loads no imports, skips the bodies of functions, and ignores errors, since stubs and
// dispatch may be missing or old.
func loadRoot(dir string) (*types.Package, error) {
	ctx := build.Default
	ctx.BuildTags = []string{"purego"}
	files, err := ctx.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	conf := types.Config{
		IgnoreFuncBodies: true,
		Importer:         noImports{},
		Error:            func(error) {},
		Sizes:            types.SizesFor("gc", "amd64"),
	}
	pkg, _ := conf.Check(files.Name, fset, parsed, nil)
	for name, to := range rootConstants {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			return nil, fmt.Errorf("%s: package %s has no constant %s", dir, pkg.Name(), name)
		}
		v, exact := constant.Int64Val(constant.ToInt(c.Val()))
		if !exact {
			return nil, fmt.Errorf("%s: constant %s is %v, want an integer", dir, name, c.Val())
		}
		*to = int(v)
	}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && c.Val().Kind() == constant.Float {
			rootFloats[name], _ = constant.Float32Val(c.Val())
		}
	}
	return pkg, nil
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, errors.New("imports are not read")
}
