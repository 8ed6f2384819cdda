package machine

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ cpuinfo, name, text string }{
		{"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\nstepping\t: 0\ncache size\t: 512 KB\n\n" +
			"processor\t: 1\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: other\n", "AMD EPYC 7B13", "AMD EPYC 7B13 (family 25, model 1, stepping 0)"},
		{"model\t\t: 8335-GTH\ncpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported", "POWER9, altivec supported"},
		{"uarch : sifive,u74\n", "sifive,u74", "sifive,u74"},
		{"processor : 0\nCPU part\t: 0xd08\n\nRevision\t: c03111\nModel\t: Raspberry Pi 4\n", "Raspberry Pi 4", "Raspberry Pi 4"},
		{"processor : 0\n", "", ""},
		{"", "", ""},
	} {
		got := read(fstest.MapFS{"proc/cpuinfo": {Data: []byte(c.cpuinfo)}})
		require.Equal(t, c.name, got.Name)
		require.Equal(t, c.text, got.String())
		require.Empty(t, got.Caches)
	}
	require.Zero(t, read(fstest.MapFS{}))
}

func TestCaches(t *testing.T) {
	root := fstest.MapFS{"proc/cpuinfo": {Data: []byte("model name : Intel(R) Xeon(R) CPU\ncache size : 36608 KB\n")}}
	require.Equal(t, []string{"36608K"}, read(root).Caches)
	for index, c := range map[string][3]string{
		"index0": {"Data", "1", "48K"}, "index1": {"Instruction", "1", "32K"},
		"index2": {"Unified", "2", "1024K"}, "index3": {"Unified", "3", "32768K"},
	} {
		for i, name := range []string{"type", "level", "size"} {
			root["sys/devices/system/cpu/cpu0/cache/"+index+"/"+name] = &fstest.MapFile{Data: []byte(c[i] + "\n")}
		}
	}
	require.Equal(t, []string{"L1d 48K", "L1i 32K", "L2 1024K", "L3 32768K"}, read(root).Caches)
}
