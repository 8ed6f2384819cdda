package dropblock

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a call does without a point at which its goroutine can be preempted is bounded, and
// so is the work to grow blocks. Neither is timed: the library is built with statements
// that count (testdata/measured), and a program that uses it checks the counts.

// TestBounds runs testdata/measured/bounds.
func TestBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the library anew")
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for _, pattern := range []string{"*.go", "internal/bitstring/*.go"} {
		files, err := filepath.Glob(pattern)
		pass(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			pass(t, err)
			counted, err := counting(file, string(source))
			pass(t, err)
			path, err := filepath.Abs(file)
			pass(t, err)
			replace[path] = filepath.Join(dir, strings.ReplaceAll(file, string(filepath.Separator), "_"))
			pass(t, os.WriteFile(replace[path], []byte(counted), 0o644))
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	pass(t, err)
	pass(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	for _, file := range []string{"measured.go", "bounds/main.go"} { // a cached result is void once they change
		_, err := os.ReadFile(filepath.Join("testdata/measured", file))
		pass(t, err)
	}
	run := exec.Command("go", "run", "-overlay", filepath.Join(dir, "overlay.json"), "./testdata/measured/bounds")
	run.Env = append(os.Environ(), "GOFLAGS=", "GOMAXPROCS=1") // one goroutine counts
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", run.Args, err, out)
	}
}

// counting is a file of the library with statements that count: copy and clear are
// measured's, methods of kernel sets begin by telling of their work, and the body of a
// loop of its turn.
func counting(name, source string) (string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, 0)
	if err != nil {
		return "", err
	}
	type edit struct {
		at, end int
		text    string
	}
	var edits []edit
	put := func(at token.Pos, cut int, text string) {
		offset := fset.Position(at).Offset
		edits = append(edits, edit{offset, offset + cut, text})
	}
	body := func(b *ast.BlockStmt, text string) { put(b.Lbrace+1, 0, " "+text+";") }
	dispatch := strings.HasPrefix(name, "kernel_dispatch_")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch f, _ := n.Fun.(*ast.Ident); {
			case f == nil:
			case f.Name == "copy":
				put(f.Pos(), len(f.Name), "measured.Copy")
			case f.Name == "clear":
				put(f.Pos(), len(f.Name), "measured.Clear")
			}
		case *ast.ForStmt:
			body(n.Body, "measured.Work++")
		case *ast.RangeStmt:
			body(n.Body, "measured.Work++")
		case *ast.FuncDecl:
			if dispatch && n.Recv != nil {
				body(n.Body, told(n))
			}
		}
		return true
	})
	if len(edits) == 0 {
		return source, nil
	}
	put(file.Name.End(), 0, `; import "github.com/dropblock-go/dropblock/testdata/measured"`)
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(b.at, a.at) })
	for _, e := range edits { // from the end on
		source = source[:e.at] + e.text + source[e.end:]
	}
	return source, nil
}

// told is a statement that tells of what a kernel goes through: elements, random words or
// positions, or else its first slice.
func told(kernel *ast.FuncDecl) string {
	var bytes string
	for _, field := range kernel.Type.Params.List {
		switch t := field.Type.(type) {
		case *ast.ArrayType:
			if elt := fmt.Sprint(t.Elt); bytes == "" || elt == "uint32" {
				bytes = fmt.Sprintf("len(%s)*int(unsafe.Sizeof(*new(%s)))", field.Names[0], elt)
			}
		case *ast.Ident:
			if t.Name == "element" {
				return fmt.Sprintf("measured.Elements(%q, n<<%s.log())", kernel.Name, field.Names[0])
			}
		}
	}
	return fmt.Sprintf("measured.Kernel(%q, %s)", kernel.Name, bytes)
}
