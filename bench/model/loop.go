package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The loops of a function are its backward branches, in the order of their
// addresses. The assembly tells which label is the target of which; the
// machine code has the same branches, and no labels.

var (
	textLine   = regexp.MustCompile(`^TEXT ·(\w+)\(SB\)`)
	labelLine  = regexp.MustCompile(`^(\w+):$`)
	branchLine = regexp.MustCompile(`^\s(?:B|BEQ|BNE|BHS|BLO|BCS|BCC|BMI|BPL|BHI|BLS|BGE|BLT|BGT|BLE|CBN?ZW?\s.*,|TBN?Z\s.*,)\s+(\w+)$`)
)

// loopLabels returns the targets of the backward branches of every function of
// an assembly file.
func loopLabels(source string) map[string][]string {
	labels := map[string][]string{}
	var fn string
	var seen map[string]bool
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\n")
		if m := textLine.FindStringSubmatch(line); m != nil {
			fn, seen = m[1], map[string]bool{}
		} else if m := labelLine.FindStringSubmatch(line); m != nil && fn != "" {
			seen[m[1]] = true
		} else if m := branchLine.FindStringSubmatch(line); m != nil && seen[m[1]] {
			labels[fn] = append(labels[fn], m[1])
		}
	}
	return labels
}

// An instruction is a line of a disassembly. That of a branch ends where its
// target would follow, which is 0 for all else.
type instruction struct {
	address, target uint64
	text            string
}

var (
	symbolLine = regexp.MustCompile(`^[0-9a-f]+ <.*\.(\w+)\.abi0>:$`)
	codeLine   = regexp.MustCompile(`^\s*([0-9a-f]+):\s+(\S.*)$`)
	branchCode = regexp.MustCompile(`^((?:b|b\.\w+|cbn?z|tbn?z)\s(?:.*\s)?)0x([0-9a-f]+) <[^>]*>$`)
)

// disassembly returns the instructions of each function in llvm-objdump's
// output.
func disassembly(text string) map[string][]instruction {
	functions := map[string][]instruction{}
	var fn string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := symbolLine.FindStringSubmatch(line); m != nil {
			fn = m[1]
		} else if m := codeLine.FindStringSubmatch(line); m != nil && fn != "" {
			i := instruction{text: m[2]}
			i.address, _ = strconv.ParseUint(m[1], 16, 64) // They are hexadecimal.
			if m := branchCode.FindStringSubmatch(i.text); m != nil {
				i.text = m[1]
				i.target, _ = strconv.ParseUint(m[2], 16, 64)
			}
			functions[fn] = append(functions[fn], i)
		}
	}
	return functions
}

// loopAt returns the loop that begins at a label, as assembly in GNU syntax.
// labels are those of the function's loops.
func loopAt(label string, labels []string, code []instruction) (string, error) {
	var ends []int // indexes of the backward branches
	index := map[uint64]int{}
	for i, in := range code {
		index[in.address] = i
		if _, back := index[in.target]; back {
			ends = append(ends, i)
		}
	}
	if len(ends) != len(labels) {
		return "", fmt.Errorf("%d backward branches in the machine code, want the %d of the assembly", len(ends), len(labels))
	}
	for i, l := range labels {
		if l != label {
			continue
		}
		begin, end := index[code[ends[i]].target], ends[i]
		var b strings.Builder
		b.WriteString("loop:\n")
		for _, in := range code[begin:end] {
			if in.target != 0 {
				return "", fmt.Errorf("loop %s has the branch %q inside, want a straight line", label, in.text)
			}
			fmt.Fprintf(&b, "\t%s\n", in.text)
		}
		fmt.Fprintf(&b, "\t%sloop\n", code[end].text)
		return b.String(), nil
	}
	return "", fmt.Errorf("no loop begins at %s, want one of %v", label, labels)
}
