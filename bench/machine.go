package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// machine is what a figure depends on.
type machine struct {
	CPU    string   `json:"cpu"`
	CPUs   int      `json:"cpus"`
	Caches []string `json:"caches,omitempty"`
	OS     string   `json:"os"`
	Arch   string   `json:"arch"`
	Go     string   `json:"go"`
}

func thisMachine() machine {
	m := machine{
		CPU:  runtime.GOARCH,
		CPUs: runtime.NumCPU(),
		OS:   runtime.GOOS,
		Arch: runtime.GOARCH,
		Go:   runtime.Version(),
	}
	info := cpuInfo("/proc/cpuinfo")
	if name := info["model name"]; name != "" {
		m.CPU = fmt.Sprintf("%s (family %s, model %s, stepping %s)", name, info["cpu family"], info["model"], info["stepping"])
	}
	m.Caches = caches("/sys/devices/system/cpu/cpu0/cache")
	// Linux's "cache size" is the second level on AMD's CPUs.
	if size := info["cache size"]; size != "" && m.Caches == nil && info["vendor_id"] != "AuthenticAMD" {
		m.Caches = []string{strings.ReplaceAll(size, " KB", "K")}
	}
	return m
}

// cpuInfo reads the first processor of Linux's /proc/cpuinfo; it is empty
// where there is none.
func cpuInfo(path string) map[string]string {
	info := map[string]string{}
	f, err := os.Open(path)
	if err != nil {
		return info
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan() && sc.Text() != ""; {
		if key, value, ok := strings.Cut(sc.Text(), ":"); ok {
			info[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return info
}

// caches reads Linux's description of a processor's caches, such as "L1d 48K".
func caches(dir string) (all []string) {
	indexes, _ := filepath.Glob(filepath.Join(dir, "index*"))
	for _, index := range indexes {
		read := func(name string) string {
			text, _ := os.ReadFile(filepath.Join(index, name))
			return strings.TrimSpace(string(text))
		}
		kind := map[string]string{"Data": "d", "Instruction": "i"}[read("type")]
		all = append(all, fmt.Sprintf("L%s%s %s", read("level"), kind, read("size")))
	}
	return all
}

// slug is the CPU's name, with family and model, as a part of a file's.
func (m machine) slug() string {
	name, _, _ := strings.Cut(strings.ToLower(m.CPU), ", stepping")
	name = strings.NewReplacer("(r)", "", "(tm)", "", " cpu", "", " processor", "").Replace(name)
	return strings.Trim(regexp.MustCompile("[^a-z0-9]+").ReplaceAllString(name, "-"), "-")
}

// cacheBytes reads a size such as 1024K, or is 0.
func cacheBytes(size string) int {
	digits := strings.TrimRight(size, "KMG")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n << map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[size[len(digits):]]
}
