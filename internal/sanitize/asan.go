//go:build asan && !race

package sanitize

import (
	"runtime"
	"unsafe"
)

// Enabled says that this build has a sanitizer. Slices that [Reads] and
// [Writes] are told of then escape to the heap.
const Enabled = true

// Reads tells the address sanitizer that the elements of s are about to be read.
func Reads[E any](s []E) {
	if len(s) > 0 {
		runtime.ASanRead(unsafe.Pointer(&s[0]), len(s)*int(unsafe.Sizeof(s[0])))
	}
}

// Writes tells the address sanitizer that the elements of s are about to be written.
func Writes[E any](s []E) {
	if len(s) > 0 {
		runtime.ASanWrite(unsafe.Pointer(&s[0]), len(s)*int(unsafe.Sizeof(s[0])))
	}
}
