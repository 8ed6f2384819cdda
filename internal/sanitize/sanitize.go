// Package sanitize tells the race detector and the address and memory
// sanitizers what assembly reads and writes, which they do not see. In builds
// without one of them it is nothing.
//
// [Reads] and [Writes] are called before the assembly runs, with the slices of
// which it reads or writes all. Where none of it is read the memory sanitizer
// then takes what is written for initialized, and does not report Go or C code
// that reads it later.
package sanitize
