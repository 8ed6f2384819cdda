//go:build !amd64 || !gc || purego || noasm

package main

func archRooflines() []roofline { return nil }

func archScaleCopies() []scaleCopy { return nil }
