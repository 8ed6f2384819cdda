// Package sanitize reports the memory accesses of assembly to the race detector
// and the address and memory sanitizers, which do not see them. In other builds
// its functions are empty.
//
// [Reads] and [Writes] are called before the assembly runs, with the slices that
// it reads or writes whole. The memory sanitizer then takes written memory for
// initialised and does not report later reads of it.
package sanitize
