//go:build gc && !purego && !noasm

package main

import "golang.org/x/sys/cpu"

func archRooflines() (all []loop) {
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 {
		all = append(all, loop{"vector", copyVectorAVX2}, loop{"stream", copyStreamAVX2})
	}
	if cpu.X86.HasAVX && cpu.X86.HasAVX512F {
		all = append(all, loop{"vector512", copyVectorAVX512}, loop{"stream512", copyStreamAVX512})
	}
	return all
}

func archAddLoops() (all []loop) {
	if cpu.X86.HasAVX && cpu.X86.HasAVX512F {
		all = append(all, loop{"avx512", addVectorAVX512})
	}
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 {
		all = append(all, loop{"avx2", addVectorAVX2})
	}
	return all
}

func archScaleCopies() (all []loop) {
	if cpu.X86.HasAVX && cpu.X86.HasAVX512F {
		all = append(all, loop{"avx512", func(dst, src []float32) { scaleCopyAVX512(dst, src, scaleBy) }})
	}
	if cpu.X86.HasAVX && cpu.X86.HasAVX2 {
		all = append(all, loop{"avx2", func(dst, src []float32) { scaleCopyAVX2(dst, src, scaleBy) }})
	}
	return all
}
