package cpucache

import "testing"

// answers are what CPUID answers to a leaf and a subleaf: EAX, EBX and ECX.
type answers map[[2]uint32][3]uint32

func (a answers) cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
	r := a[[2]uint32{leaf, subleaf}]
	return r[0], r[1], r[2], 0
}

// cache is the answer for a cache.
func cache(kind, level, ways, partitions, line, sets uint32) [3]uint32 {
	return [3]uint32{level<<5 | kind, (ways-1)<<22 | (partitions-1)<<12 | (line - 1), sets - 1}
}

const (
	data    = 1
	unified = 3
)

func TestSize(t *testing.T) {
	allOnes := answers{{0, 0}: {1<<32 - 1}, {0x80000000, 0}: {1<<32 - 1}}
	for i := range uint32(64) {
		allOnes[[2]uint32{4, i}] = [3]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}
		allOnes[[2]uint32{0x8000001d, i}] = allOnes[[2]uint32{4, i}]
	}
	for name, c := range map[string]struct {
		cpu  answers
		want int
	}{
		"Intel, 36 MiB": {answers{
			{0, 0}: {0x1f}, {0x80000000, 0}: {0x80000008},
			{4, 0}: cache(data, 1, 12, 1, 64, 64),
			{4, 1}: cache(instruction, 1, 8, 1, 64, 64),
			{4, 2}: cache(unified, 2, 10, 1, 64, 2048),
			{4, 3}: cache(unified, 3, 12, 1, 64, 49152),
		}, 36 << 20},
		"AMD, 96 MiB": {answers{
			{0, 0}: {0x10}, {0x80000000, 0}: {0x80000028},
			{0x8000001d, 0}: cache(data, 1, 8, 1, 64, 64),
			{0x8000001d, 1}: cache(instruction, 1, 8, 1, 64, 64),
			{0x8000001d, 2}: cache(unified, 2, 8, 1, 64, 2048),
			{0x8000001d, 3}: cache(unified, 3, 16, 1, 64, 98304),
		}, 96 << 20},
		"two levels, 1 MiB": {answers{
			{0, 0}: {0xb}, {4, 0}: cache(data, 1, 8, 1, 64, 64), {4, 1}: cache(unified, 2, 16, 1, 64, 1024),
		}, 1 << 20},
		"no leaves":         {answers{}, Default},
		"leaves above last": {answers{{0, 0}: {3}, {4, 0}: cache(unified, 3, 16, 1, 64, 98304)}, Default},
		"no extended leaves, others instead": {answers{
			{0, 0}: {2}, {0x80000000, 0}: {0x1f}, {0x8000001d, 0}: cache(unified, 3, 16, 1, 64, 98304),
		}, Default},
		"empty leaf":         {answers{{0, 0}: {0xb}}, Default},
		"a cache of 4 KiB":   {answers{{0, 0}: {4}, {4, 0}: cache(unified, 3, 1, 1, 64, 64)}, Default},
		"a cache of 8 GiB":   {answers{{0, 0}: {4}, {4, 0}: cache(unified, 3, 16, 1, 64, 1<<23)}, Default},
		"instructions alone": {answers{{0, 0}: {4}, {4, 0}: cache(instruction, 1, 16, 1, 64, 1<<16)}, Default},
		"all ones":           {allOnes, Default},
		"one of 1 MiB, one absurd": {answers{
			{0, 0}: {4}, {4, 0}: cache(unified, 2, 16, 1, 64, 1024), {4, 1}: {1<<5 | unified, 1<<32 - 1, 1<<32 - 1},
		}, 1 << 20},
	} {
		if got := size(c.cpu.cpuid); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

// TestLastLevel asks the CPU that the test runs on.
func TestLastLevel(t *testing.T) {
	got := LastLevel()
	if got != 0 && (got < least || got > most) {
		t.Errorf("%d bytes, want none or from %d to %d", got, least, most)
	}
	t.Logf("%d bytes", got)
}
