// Package fuzz holds the fuzz targets of package dropblock, in its tests, with
// their corpus. They compare every kernel set with package internal/reference,
// bit for bit: on what native fuzzing finds, and in TestRandom on inputs from a
// generator.
package fuzz
