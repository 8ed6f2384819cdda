package main

// The loops that bench/ measures everything else against: the plain copy that
// a scaling kernel would be without its mask and multiply, the same with
// non-temporal stores, the plain copy with the multiply, and a loop that reads
// two maps and writes one. That one adds integers, whatever type the map has:
// no number is slow.

func copyVector(a *amd64) { a.copy(copyOnly) }
func scaleCopy(a *amd64)  { a.copy(copyScaled) }
func addVector(a *amd64)  { a.copy(copyAdded) }
func copyStream(a *amd64) { a.copy(copyStreamed) }

type copyKind int

const (
	copyOnly copyKind = iota
	copyScaled
	copyAdded
	copyStreamed
)

// copy emits a copy, eight vectors at a time.
func (a *amd64) copy(kind copyKind) {
	dst, n := a.slice("dst")
	src := a.base("src")
	change := func(v register, to mem) {}
	switch kind {
	case copyAdded:
		change = func(v register, to mem) {
			if v.Size() == 16 {
				w := a.XMM()
				a.VMOVSS(to, w)
				a.VPADDD(w, v, v)
			} else {
				a.VPADDD(to, v, v)
			}
		}
	case copyScaled:
		s := a.vec()
		a.VBROADCASTSS(a.address(a.Param("scale")), s)
		change = func(v register, _ mem) {
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
		change(v, at(dst, 0))
		a.VMOVSS(v, at(dst, 0))
		a.advance(4, src, dst)
	}
	if kind == copyStreamed { // Non-temporal stores must be aligned.
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
				to := at(dst, bytes*i)
				if change(v[i], to); kind == copyStreamed {
					a.VMOVNTDQ(v[i], to)
				} else {
					a.VMOVUPS(v[i], to)
				}
			}
			a.advance(bytes*unroll, src, dst)
		})
	}
	a.loop("single", n, 1, single)
	if kind == copyStreamed {
		a.SFENCE()
	}
	a.ret()
}
