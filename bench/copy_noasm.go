//go:build !amd64 || !gc || purego || noasm

package main

func archRooflines() []loop { return nil }

func archAddLoops() []loop { return nil }

func archScaleCopies() []loop { return nil }
