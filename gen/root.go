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

// What kernels and their callers agree on stands once, in the root package's source: the
// types of the parameters and the constants below. The generators read it there.

// The root package's constants that generators need, under its names for them.
var (
	philoxM0, philoxM1, philoxRounds int
	headGroupWords, headLevelStride  int
	gapCallLen, gapBits, gapEscape   int
	stampWords                       int
	rootConstants                    = map[string]*int{
		"philoxM0": &philoxM0, "philoxM1": &philoxM1, "philoxRounds": &philoxRounds,
		"headGroupWords": &headGroupWords, "headLevelStride": &headLevelStride,
		"gapCallLen": &gapCallLen, "gapBits": &gapBits, "gapEscape": &gapEscape,
		"stampWords": &stampWords,
	}
)

// loadRoot checks the declarations in the root package's source, and sets the constants.
// It needs neither what they import nor the bodies of functions, and ignores what is wrong
// with them: stubs and dispatch may be missing or old.
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
	return pkg, nil
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, errors.New("imports are not read")
}
