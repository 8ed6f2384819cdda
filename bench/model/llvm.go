package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// llvmVersion is that of the models which the limits were set for.
const llvmVersion = "19"

type llvm struct{ mca, objdump, version string }

var versionText = regexp.MustCompile(`LLVM version (` + llvmVersion + `\.[0-9.]+)`)

// findLLVM looks for the tools with and without Debian's suffix.
func findLLVM() (*llvm, error) {
	l := new(llvm)
	for _, t := range []struct {
		name string
		path *string
	}{{"llvm-mca", &l.mca}, {"llvm-objdump", &l.objdump}} {
		for _, name := range []string{t.name + "-" + llvmVersion, t.name} {
			out, err := exec.Command(name, "--version").Output()
			if m := versionText.FindSubmatch(out); err == nil && m != nil {
				*t.path, l.version = name, string(m[1])
				break
			}
		}
		if *t.path == "" {
			return nil, fmt.Errorf("%s of LLVM %s is not on the PATH; on Debian and Ubuntu: apt-get install llvm-%[2]s", t.name, llvmVersion)
		}
	}
	return l, nil
}

// build makes a program for arm64 that has all kernels in it: the test binary
// of the module's root.
func build(dir, binary string) error {
	cmd := exec.Command("go", "test", "-c", "-o", binary, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// loops returns the hot loop of every kernel.
func (l *llvm) loops(binary, source string) (map[string]string, error) {
	var symbols []string
	for _, k := range kernels {
		symbols = append(symbols, "github.com/dropblock-go/dropblock."+k.symbol()+".abi0")
	}
	out, err := output(exec.Command(l.objdump, "-d", "--no-show-raw-insn", "--disassemble-symbols="+strings.Join(symbols, ","), binary))
	if err != nil {
		return nil, err
	}
	functions, labels, loops := disassembly(string(out)), loopLabels(source), map[string]string{}
	for _, k := range kernels {
		if loops[k.name], err = loopAt(k.label, labels[k.symbol()], functions[k.symbol()]); err != nil {
			return nil, fmt.Errorf("%s: %w", k.symbol(), err)
		}
	}
	return loops, nil
}

// A turn is what the model says of one turn of a loop.
type turn struct {
	cycles  float64
	busiest string // execution unit
	busy    float64
}

// predict runs a loop through the model of a core.
func (l *llvm) predict(cpu, loop string) (turn, error) {
	cmd := exec.Command(l.mca, "-mtriple=aarch64", "-mcpu="+cpu, "-iterations=500", "-json")
	cmd.Stdin = strings.NewReader(loop)
	out, err := output(cmd)
	if err != nil {
		return turn{}, err
	}
	return parseReport(out)
}

func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, &stderr)
	}
	return out, nil
}

// parseReport reads llvm-mca's JSON.
func parseReport(text []byte) (turn, error) {
	var rep struct {
		CodeRegions []struct {
			Instructions         []string
			ResourcePressureView struct {
				// Those behind the last instruction are the sums.
				ResourcePressureInfo []struct {
					InstructionIndex, ResourceIndex int
					ResourceUsage                   float64
				}
			}
			SummaryView struct{ Iterations, TotalCycles float64 }
		}
		TargetInfo struct{ Resources []string }
	}
	if err := json.Unmarshal(text, &rep); err != nil {
		return turn{}, fmt.Errorf("llvm-mca's report: %w", err)
	}
	if len(rep.CodeRegions) != 1 || rep.CodeRegions[0].SummaryView.Iterations == 0 {
		return turn{}, errors.New("llvm-mca's report is not of one loop")
	}
	r := rep.CodeRegions[0]
	t := turn{cycles: r.SummaryView.TotalCycles / r.SummaryView.Iterations}
	for _, p := range r.ResourcePressureView.ResourcePressureInfo {
		if p.InstructionIndex == len(r.Instructions) && p.ResourceUsage > t.busy && p.ResourceIndex < len(rep.TargetInfo.Resources) {
			t.busy, t.busiest = p.ResourceUsage, unitName(rep.TargetInfo.Resources[p.ResourceIndex])
		}
	}
	return t, nil
}

// unitName shortens "N1UnitV0" to V0, and "N1UnitL" with the number of one of
// several units, as a byte, behind it to L.
func unitName(s string) string {
	s = strings.TrimPrefix(s[max(strings.Index(s, "Unit"), 0):], "Unit")
	name, _, _ := strings.Cut(s, ".")
	return name
}
