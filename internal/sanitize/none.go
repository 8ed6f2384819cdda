//go:build !race && !asan && !msan

package sanitize

// Enabled says that this build has a sanitizer.
const Enabled = false

// Reads does nothing in this build.
func Reads[E any](s []E) {}

// Writes does nothing in this build.
func Writes[E any](s []E) {}
