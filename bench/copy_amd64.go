//go:build gc && !purego && !noasm

package main

import "golang.org/x/sys/cpu"

func archRooflines() []roofline {
	var r []roofline
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 {
		r = append(r, roofline{"vector", copyVectorAVX2}, roofline{"stream", copyStreamAVX2})
	}
	if cpu.X86.HasAVX && cpu.X86.HasAVX512F {
		r = append(r, roofline{"vector512", copyVectorAVX512}, roofline{"stream512", copyStreamAVX512})
	}
	return r
}

func archScaleCopies() []scaleCopy {
	var s []scaleCopy
	if cpu.X86.HasAVX && cpu.X86.HasAVX512F {
		s = append(s, scaleCopy{"avx512", scaleCopyAVX512})
	}
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 {
		s = append(s, scaleCopy{"avx2", scaleCopyAVX2})
	}
	return s
}
