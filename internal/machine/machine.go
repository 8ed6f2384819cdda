// Package machine describes the CPU that a program runs on, from the files of Linux.
package machine

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// A CPU describes the first CPU of the machine. Unknown fields are empty.
type CPU struct {
	Name                    string   // given by the maker, or by Linux
	Family, Model, Stepping string   // on x86
	Caches                  []string // level, kind and size, as in "L1d 48K"
}

// String returns the name, with family, model and stepping if they are known.
func (c CPU) String() string {
	if c.Family == "" {
		return c.Name
	}
	return fmt.Sprintf("%s (family %s, model %s, stepping %s)", c.Name, c.Family, c.Model, c.Stepping)
}

// Host reads the files of this machine. On systems other than Linux all fields are
// empty.
func Host() CPU { return read(os.DirFS("/")) }

func read(root fs.FS) CPU {
	text, _ := fs.ReadFile(root, "proc/cpuinfo")
	info := map[string]string{} // The first value of each key: that of the first CPU.
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, have := info[key]; ok && !have {
			info[key] = strings.TrimSpace(value)
		}
	}
	c := CPU{Family: info["cpu family"], Stepping: info["stepping"], Caches: caches(root)}
	if c.Family != "" {
		c.Model = info["model"] // On other architectures it may be the model of the board.
	}
	// Each architecture has a key of its own for the name.
	for _, key := range []string{"model name", "cpu model", "uarch", "cpu", "Model"} {
		if c.Name = info[key]; c.Name != "" {
			break
		}
	}
	// AMD's "cache size" is the second level.
	if size := info["cache size"]; size != "" && c.Caches == nil && info["vendor_id"] != "AuthenticAMD" {
		c.Caches = []string{strings.ReplaceAll(size, " KB", "K")}
	}
	return c
}

func caches(root fs.FS) (all []string) {
	indexes, _ := fs.Glob(root, "sys/devices/system/cpu/cpu0/cache/index*")
	for _, index := range indexes {
		value := func(name string) string {
			text, _ := fs.ReadFile(root, path.Join(index, name))
			return strings.TrimSpace(string(text))
		}
		kind := map[string]string{"Data": "d", "Instruction": "i"}[value("type")]
		all = append(all, fmt.Sprintf("L%s%s %s", value("level"), kind, value("size")))
	}
	return all
}
