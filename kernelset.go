package dropblock

import (
	"fmt"
	"slices"
)

// isa is an instruction set that kernels are written for.
type isa uint8

const (
	isaAuto isa = iota // the zero KernelSet: the best available
	isaGeneric
	isaAVX2
	isaAVX512
	isaNEON
)

var isaOptions = options{"KernelSet", []string{"auto", "generic", "avx2", "avx512", "neon"}}

// KernelSet is a set of kernels for one instruction set. All sets compute the same
// bits. The zero value stands for the best set that this CPU runs. Kernels of a set
// that it does not run panic.
type KernelSet struct{ isa isa }

// KernelSets returns the sets that this CPU runs in this build, the best one
// first. The last one is generic Go.
func KernelSets() []KernelSet { return slices.Clone(available) }

// ParseKernelSet is the inverse of [KernelSet.String]. It returns the best set for
// "auto", and an error for a set that this CPU does not run.
func ParseKernelSet(name string) (KernelSet, error) {
	if name == "auto" {
		return available[0], nil
	}
	for _, k := range available {
		if k.String() == name {
			return k, nil
		}
	}
	return KernelSet{}, fmt.Errorf("dropblock: the kernel set is %q, want %s, which this CPU runs", name, availableNames())
}

// A feature is a bit that the kernels of a set need, under the name that the
// generators give it.
type feature struct {
	name string
	has  *bool
}

// A gate is what the CPU and the operating system must have for a set in assembly.
type gate struct {
	isa      isa
	features []feature
}

func (g *gate) open() bool {
	for _, f := range g.features {
		if !*f.has {
			return false
		}
	}
	return true
}

// available lists the sets that this CPU runs, best first. The gates of the build are in
// the architecture's file.
var available = func() (sets []KernelSet) {
	for _, g := range gates {
		if g.open() {
			sets = append(sets, KernelSet{g.isa})
		}
	}
	return append(sets, KernelSet{isaGeneric})
}()

// runs reports whether this CPU runs the set.
func (k KernelSet) runs() bool { return k.isa == isaAuto || slices.Contains(available, k) }

// availableNames lists the available sets: "auto, avx2 or generic".
func availableNames() string {
	names := []string{"auto"}
	for _, k := range available {
		names = append(names, k.String())
	}
	return orList(names)
}

// resolve returns the instruction set. It panics if the CPU does not run it: a set may
// have been decoded that was stored on another machine.
func (k KernelSet) resolve() isa {
	switch {
	case k.isa == isaAuto:
		return available[0].isa
	case !k.runs():
		panic(fmt.Sprintf("dropblock: the kernel set is %v, want %s, which this CPU runs", k, availableNames()))
	}
	return k.isa
}

// philoxStride returns the number of blocks that the set's Philox draws at once.
func (k isa) philoxStride() int {
	if k == isaGeneric {
		return 1
	}
	return 8
}

// String returns the name of the set: auto, generic, avx2, avx512 or neon.
func (k KernelSet) String() string { return isaOptions.name(uint8(k.isa)) }

// MarshalText implements encoding.TextMarshaler: it returns the name.
func (k KernelSet) MarshalText() ([]byte, error) { return isaOptions.text(uint8(k.isa)) }

// UnmarshalText implements encoding.TextUnmarshaler. It accepts the name of any set,
// so that a stored configuration can be read on any machine; [New] refuses a set that
// the CPU does not run.
func (k *KernelSet) UnmarshalText(text []byte) error { return parseOption(&isaOptions, &k.isa, text) }

// MarshalBinary implements encoding.BinaryMarshaler, for encoding/gob, with the name.
func (k KernelSet) MarshalBinary() ([]byte, error) { return k.MarshalText() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (k *KernelSet) UnmarshalBinary(data []byte) error { return k.UnmarshalText(data) }
