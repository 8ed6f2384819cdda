package main

import "github.com/mmcloughlin/avo/reg"

func cpuid(a *amd64) {
	a.Load(a.Param("leaf"), reg.EAX)
	a.Load(a.Param("subleaf"), reg.ECX)
	a.CPUID()
	for i, r := range []register{reg.EAX, reg.EBX, reg.ECX, reg.EDX} {
		a.Store(r, a.ReturnIndex(i))
	}
	a.RET()
}
