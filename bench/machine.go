package main

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/dropblock-go/dropblock/internal/machine"
)

// A host is what a figure depends on.
type host struct {
	CPU    string   `json:"cpu"`
	CPUs   int      `json:"cpus"`
	Caches []string `json:"caches,omitempty"`
	OS     string   `json:"os"`
	Arch   string   `json:"arch"`
	Go     string   `json:"go"`
}

func thisHost() host {
	cpu := machine.Host()
	return host{cmp.Or(cpu.String(), runtime.GOARCH), runtime.NumCPU(), cpu.Caches, runtime.GOOS, runtime.GOARCH, runtime.Version()}
}

func (h host) String() string {
	text := fmt.Sprintf("%s, %d CPUs", h.CPU, h.CPUs)
	if h.Caches != nil {
		text += ", caches " + strings.Join(h.Caches, ", ")
	}
	return fmt.Sprintf("%s, %s %s/%s", text, h.Go, h.OS, h.Arch)
}

// slug is the CPU's name, with family and model, as a part of a file's.
func (h host) slug() string {
	name, _, _ := strings.Cut(strings.ToLower(h.CPU), ", stepping")
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
