package main

// The copies that bench/ measures everything else against: the plain loop that
// a scaling kernel would be without its mask and multiply, the same with
// non-temporal stores, and the plain loop with the multiply.

func copyVector(a *amd64) { a.copy(false, false) }
func scaleCopy(a *amd64)  { a.copy(false, true) }
func copyStream(a *amd64) { a.copy(true, false) }

// copy emits a copy, eight vectors at a time.
func (a *amd64) copy(stream, scaled bool) {
	dst, n := a.slice("dst")
	src := a.base("src")
	multiply := func(v register) {}
	if scaled {
		s := a.vec()
		a.VBROADCASTSS(a.address(a.Param("scale")), s)
		multiply = func(v register) {
			if v.Size() == 16 {
				a.VMULSS(s.AsX(), v, v)
			} else {
				a.VMULPS(s, v, v)
			}
		}
	}
	bytes := a.isa.bytes
	single := func() {
		v := a.XMM()
		a.VMOVSS(at(src, 0), v)
		multiply(v)
		a.VMOVSS(v, at(dst, 0))
		a.advance(4, src, dst)
	}
	if stream { // Non-temporal stores must be aligned.
		a.Label("head")
		a.TESTQ(u32(bytes-1), dst)
		a.JZ(ref("aligned"))
		a.skipIfZero(n, "aligned")
		single()
		a.DECQ(n)
		a.JMP(ref("head"))
		a.Label("aligned")
	}
	for _, unroll := range []int{8, 1} {
		a.loop(label("vectors%d", unroll), n, unroll*bytes/4, func() {
			v := make([]vec, unroll)
			for i := range v {
				v[i] = a.vec()
				a.VMOVUPS(at(src, bytes*i), v[i])
			}
			for i := range v {
				multiply(v[i])
				if stream {
					a.VMOVNTDQ(v[i], at(dst, bytes*i))
				} else {
					a.VMOVUPS(v[i], at(dst, bytes*i))
				}
			}
			a.advance(bytes*unroll, src, dst)
		})
	}
	a.loop("single", n, 1, single)
	if stream {
		a.SFENCE()
	}
	a.ret()
}
