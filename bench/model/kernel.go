package main

// A kernel is a hot loop. label is where it begins in kernel_arm64.s.
type kernel struct {
	name, label string
	per         int    // how many of
	unit        string // a turn yields
}

var kernels = []kernel{
	{"scale", "word", 32, "elements"},
	{"add", "word", 32, "elements"},
	{"fill", "word", 32, "elements"},
	{"expand", "word", 32, "elements"},
	{"noise", "quads", 32, "elements"},
	{"scaleFloat64", "word", 16, "elements"},
	{"addFloat64", "word", 16, "elements"},
	{"fillFloat64", "word", 16, "elements"},
	{"expandFloat64", "word", 16, "elements"},
	{"noiseFloat64", "quads", 32, "elements"},
	{"scaleFloat16", "word", 64, "elements"},
	{"addFloat16", "word", 64, "elements"},
	{"fillFloat16", "word", 64, "elements"},
	{"expandFloat16", "word", 64, "elements"},
	{"noiseFloat16", "quads", 32, "elements"},
	{"scaleBFloat16", "word", 64, "elements"},
	{"addBFloat16", "word", 64, "elements"},
	{"fillBFloat16", "word", 64, "elements"},
	{"expandBFloat16", "word", 64, "elements"},
	{"noiseBFloat16", "quads", 32, "elements"},
	{"expandBool", "word", 64, "bools"},
	{"philox", "blocks", 32, "words"},
	// One level; a mask takes as many as its probability has bits.
	{"head", "level", 1024, "bits"},
	// Of a block of 7: dilateRow has a loop for each number of steps.
	{"dilateRow", "vectors4Of3", 512, "bits"},
	{"dilateStep", "vectors4", 512, "bits"},
	{"dilateKeep", "vectors4", 512, "bits"},
	{"dilateBorder", "vectors4", 512, "bits"},
	{"stretch", "lanes", 64, "bits"},
	{"stretchBytes", "lanes", 512, "bits"},
	{"count", "vectors4", 512, "bits"},
}

func (k *kernel) symbol() string { return k.name + "NEON" }

func findKernel(name string) *kernel {
	for i := range kernels {
		if kernels[i].name == name {
			return &kernels[i]
		}
	}
	return nil
}

// dilation is how often the passes go over the bits of a mask with blocks of
// 7×7: the rows at once, the columns by shifts of 1, 2 and 3 rows, the last of
// which takes the complement and counts.
var dilation = map[string]float64{"dilateRow": 1, "dilateStep": 2, "dilateKeep": 1}

const dilationName = "dilation, block 7"

// limits are the cycles that one of a kernel's units may take on a core.
var limits = map[string]map[string]float64{
	"scale":         {"neoverse-n1": 0.53, "neoverse-v1": 0.27, "neoverse-n2": 0.53, "neoverse-v2": 0.27},
	"scaleFloat64":  {"neoverse-n1": 1.06, "neoverse-v1": 0.54, "neoverse-n2": 1.06, "neoverse-v2": 0.54},
	"scaleFloat16":  {"neoverse-n1": 1.1, "neoverse-v1": 0.56, "neoverse-n2": 1.1, "neoverse-v2": 0.56},
	"scaleBFloat16": {"neoverse-n1": 0.87, "neoverse-v1": 0.44, "neoverse-n2": 0.87, "neoverse-v2": 0.44},
	"philox":        {"neoverse-n1": 4.3, "neoverse-v1": 2.2, "neoverse-v2": 2.2},
	dilationName:    {"neoverse-n1": 0.16, "neoverse-v2": 0.09},
}
