package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/reg"
)

func cpuid(a *amd64) {
	a.Function("cpuid")
	a.SignatureExpr("func(eaxIn, ecxIn uint32) (eax, ebx, ecx, edx uint32)")
	a.Attributes(attr.NOSPLIT)
	a.Doc("cpuid executes the CPUID instruction.")
	a.Load(a.Param("eaxIn"), reg.EAX)
	a.Load(a.Param("ecxIn"), reg.ECX)
	a.CPUID()
	for i, r := range []reg.Register{reg.EAX, reg.EBX, reg.ECX, reg.EDX} {
		a.Store(r, a.ReturnIndex(i))
	}
	a.RET()
}
