//go:build gc && !purego && !noasm

package dropblock

import "golang.org/x/sys/cpu"

//go:generate go run ./gen

// The features of the sets, every bit by name: bits are independent, x/sys's
// HasAVX512 is F alone, and GODEBUG can turn off any one of them. TestGate holds
// them against the generated kernels' requirements.
var (
	featuresAVX2 = []feature{
		{"AVX", &cpu.X86.HasAVX},
		{"AVX2", &cpu.X86.HasAVX2},
		{"BMI", &cpu.X86.HasBMI1},
		{"BMI2", &cpu.X86.HasBMI2},
		{"F16C", &cpu.X86.HasF16C},
		{"POPCNT", &cpu.X86.HasPOPCNT},
	}
	featuresAVX512 = append([]feature{
		{"AVX512F", &cpu.X86.HasAVX512F},
		{"AVX512BW", &cpu.X86.HasAVX512BW},
		{"AVX512DQ", &cpu.X86.HasAVX512DQ},
		{"AVX512VL", &cpu.X86.HasAVX512VL},
		{"AVX512VBMI", &cpu.X86.HasAVX512VBMI},
		{"AVX512VBMI2", &cpu.X86.HasAVX512VBMI2},
		{"AVX512VPOPCNTDQ", &cpu.X86.HasAVX512VPOPCNTDQ},
	}, featuresAVX2...)
)

// gates are those of the sets that this build has, best first.
var gates = []gate{{isaAVX512, featuresAVX512}, {isaAVX2, featuresAVX2}}
