//go:build !race && !asan

package dropblock

func reads[E any](s []E)  {}
func writes[E any](s []E) {}

// sanitized tells of the hooks, which make buffers on the stack escape.
const sanitized = false
