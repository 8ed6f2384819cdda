//go:build asan && !race

package dropblock

import (
	"runtime"
	"unsafe"
)

// reads and writes tell the address sanitizer, which does not see assembly,
// what a kernel is about to do.

func reads[E any](s []E) {
	if len(s) > 0 {
		runtime.ASanRead(unsafe.Pointer(&s[0]), len(s)*int(unsafe.Sizeof(s[0])))
	}
}

func writes[E any](s []E) {
	if len(s) > 0 {
		runtime.ASanWrite(unsafe.Pointer(&s[0]), len(s)*int(unsafe.Sizeof(s[0])))
	}
}

// sanitized tells of the hooks, which make buffers on the stack escape.
const sanitized = true
