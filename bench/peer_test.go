package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/dropblock-go/dropblock"
)

// The test binary is its own peer process, instead of Python.
const fakeVariable = "DROPBLOCK_BENCH_FAKE_PEER"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		fakeBuild(filepath.Base(os.Args[0]))
		return
	}
	if mode := os.Getenv(fakeVariable); mode != "" {
		fakePeer(mode)
		return
	}
	os.Exit(m.Run())
}

// fakePython has an interpreter whose peers behave as mode says.
func fakePython(t *testing.T, mode string) {
	t.Setenv(fakeVariable, mode)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	defer func(is []string) { t.Cleanup(func() { pythons = is }) }(pythons)
	pythons = []string{exe}
}

func fakePeer(mode string) {
	greeting := map[string]any{"versions": map[string]string{"fake": "1"}, "peers": names(allPeers, peer.String), "missing": map[string]string{}}
	switch mode {
	case "mute":
		time.Sleep(time.Minute)
	case "crash":
		fmt.Fprintln(os.Stderr, "Traceback\nImportError: no luck")
		os.Exit(1)
	case "chatter":
		fmt.Println("hello")
	case "none":
		greeting["peers"], greeting["missing"] = []string{}, map[string]string{"timm": "no torch", "dropout": "no torch"}
	case "some":
		greeting["peers"], greeting["missing"] = []string{"tutorial"}, map[string]string{"timm": "no timm"}
	}
	json.NewEncoder(os.Stdout).Encode(greeting)

	var n [5]int
	var p float64
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		f := strings.Fields(in.Text())
		switch {
		case mode == "setting fails again" && n[0] > 0 && f[0] == "setting":
			fmt.Println("error MemoryError")
		case f[0] == "setting":
			for i := range n {
				n[i], _ = strconv.Atoi(f[1+i])
			}
			p, _ = strconv.ParseFloat(f[6], 64)
			fmt.Println("ok")
		case mode == f[0]+" dies":
			fmt.Fprintln(os.Stderr, "MemoryError")
			return
		case mode == f[0]+" hangs":
			time.Sleep(time.Minute)
		case mode == f[0]+" fails":
			fmt.Println("error ValueError: no such block")
		case mode == f[0]+" babbles":
			fmt.Println("42")
		case mode == f[0]+" has nothing":
			fmt.Println("ok")
		case f[0] == "check":
			fmt.Println("ok", fakeCheck(mode, f[1], f[2], dropblock.NCHW(n[0], n[1], n[2], n[3]), n[4], p))
		case f[0] == "time":
			time.Sleep(100 * time.Microsecond)
			fmt.Println("ok 100000 3")
		}
	}
}

// fakeCheck makes a peer's output one element after the other.
func fakeCheck(mode, name, dir string, s dropblock.Shape, b int, p float64) (gamma string) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			panic(err)
		}
		return data
	}
	x := make([]float32, s.Len())
	copy(memory(x), read("x"))
	seeds := read("seeds")
	if name == "dropout" { // draws its own
		b = 1
		for i := range seeds {
			seeds[i] = byte(i % 10 / 9)
		}
		os.WriteFile(filepath.Join(dir, "seeds"), seeds, 0o644)
	}
	drop := make([]bool, len(seeds))
	kept := len(seeds)
	for i := range drop {
		row, col, plane := i/s.W()%s.H(), i%s.W(), i/(s.H()*s.W())*s.H()*s.W()
		for r := max(row-b/2, 0); r <= min(row+b/2, s.H()-1); r++ {
			for c := max(col-b/2, 0); c <= min(col+b/2, s.W()-1); c++ {
				drop[i] = drop[i] || seeds[plane+r*s.W()+c] == 1
			}
		}
		if drop[i] {
			kept--
		}
	}
	scale := float32(len(drop)) / float32(kept)
	area, valid := float64(s.H()*s.W()), float64((s.H()-b+1)*(s.W()-b+1))
	g := p * area / float64(b*b) / valid
	switch name {
	case "dropout":
		scale = 1 / (1 - float32(p))
	case "tutorial":
		g = p / float64(b*b)
	}
	if mode == "other scale" {
		scale *= 1 + 1e-6
	}
	planes := s.H() * s.W()
	for i := range x {
		shared := i
		if len(drop) < len(x) {
			shared = i/(s.C()*planes)*planes + i%planes
		}
		x[i] *= scale
		if drop[shared] {
			x[i] = 0
		}
		if strings.HasPrefix(name, "opencv") {
			x[i] = map[bool]float32{true: 1}[drop[shared]]
		}
	}
	if mode == "other mask" {
		last := &x[len(x)-1]
		*last = map[bool]float32{true: 1}[*last == 0]
	}
	if mode == "short" {
		x = x[1:]
	}
	data := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
	if err := os.WriteFile(filepath.Join(dir, "y"), data, 0o644); err != nil {
		panic(err)
	}
	switch {
	case strings.HasPrefix(name, "opencv"):
		return "-"
	case mode == "other gamma":
		g *= 1 + 1e-9
	}
	return fmt.Sprint(g)
}

func fake(t *testing.T, mode string) *peerProcess {
	t.Helper()
	fakePython(t, mode)
	p, err := startPeers(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop() })
	return p
}

var (
	perChannelSetting = setting{shape: dropblock.NCHW(3, 4, 14, 9), block: dropblock.Square(7)}
	sharedSetting     = setting{shape: dropblock.NCHW(3, 4, 14, 9), block: dropblock.Square(7), share: dropblock.ShareChannels}
	dropoutSetting    = setting{shape: dropblock.NCHW(3, 4, 14, 9), block: dropblock.Square(1)}
)

// TestPeerCheck gives each peer the seeds of the library, which must agree with
// blocks grown element by element and with no other.
func TestPeerCheck(t *testing.T) {
	for _, c := range []struct{ mode, want string }{
		{"good", ""},
		{"other mask", "the mask differs at element"},
		{"other scale", "the output at element"},
		{"other gamma", "seeds have the probability"},
		{"short", "an output of 6044 bytes, want"},
		{"check fails", "ValueError: no such block"},
		{"check babbles", `the answer is "42", want ok or error`},
		{"check has nothing", "seeds have the probability []"},
		{"check dies", "the process ended: MemoryError"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			ran := 0
			for _, p := range allPeers {
				for _, s := range []setting{perChannelSetting, sharedSetting, dropoutSetting} {
					if !p.runs(s) {
						continue
					}
					ran++
					if p.dilates && (c.mode == "other scale" || c.mode == "other gamma") {
						continue // It has neither.
					}
					process := fake(t, c.mode)
					if err := process.set(s); err != nil {
						t.Fatal(err)
					}
					err := process.check(p, newWorkload(s))
					if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
						t.Errorf("%v of %v: %v, want %q", p, s, err, c.want)
					}
				}
			}
			if ran != len(allPeers) {
				t.Errorf("%d checks, want one of each of %d peers", ran, len(allPeers))
			}
		})
	}
}

func TestPeerTime(t *testing.T) {
	measure := func(p *peerProcess, threads int) (float64, error) {
		opt := &options{slice: time.Millisecond, process: p}
		_, ns, err := opt.peerTurn(allPeers[1], threads, nil).measure()
		return ns, err
	}
	if ns, err := measure(fake(t, "good"), 2); err != nil || ns != 100000 {
		t.Errorf("%v ns, %v", ns, err)
	}
	for _, c := range []struct{ mode, want string }{
		{"time fails", "time timm 1 1000000: ValueError: no such block"},
		{"time babbles", "want ok or error"},
		{"time has nothing", "want 2 numbers"},
		{"time dies", "the process ended: MemoryError"},
	} {
		if _, err := measure(fake(t, c.mode), 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.mode, err, c.want)
		}
	}
	hangs := fake(t, "time hangs")
	hangs.timeout = 50 * time.Millisecond
	if _, err := measure(hangs, 1); err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("it hangs: %v", err)
	}
}

func TestStartPeers(t *testing.T) {
	for _, c := range []struct{ mode, want string }{
		{"crash", "ImportError: no luck"},
		{"chatter", "no greeting"},
		{"none", "has no peer: no torch"},
		{"mute", "no answer within"},
	} {
		timeout := 5 * time.Second
		if c.mode == "mute" {
			timeout = 50 * time.Millisecond
		}
		fakePython(t, c.mode)
		if _, err := startPeers(timeout); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.mode, err, c.want)
		}
	}
	fakePython(t, "good")
	pythons = append([]string{"/nosuch/python"}, pythons...)
	p, err := startPeers(5 * time.Second)
	if err != nil {
		t.Fatalf("the second interpreter is good: %v", err)
	}
	dir := p.dir
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", dir, err)
	}
}

// TestRunWithoutPeers: what is not there is reported, and the rest runs.
func TestRunWithoutPeers(t *testing.T) {
	for _, c := range []struct {
		mode, peers, want string
		status            int
	}{
		{"none", "timm,dropout", "- timm: ", 0},
		{"some", "all", "- timm: no timm\n", 0},
		{"other mask", "tutorial", "- tutorial on 3x4x14x9-b7/share=channels: the mask differs", 1},
		{"time dies", "tutorial", "- tutorial on 3x4x14x9-b7/share=channels: time tutorial", 1},
		{"setting fails again", "tutorial", "- tutorial on 3x4x14x9-b7/share=channels: setting", 1},
	} {
		var stdout, stderr bytes.Buffer
		fakePython(t, c.mode)
		args := []string{"-rounds", "2", "-slice", "1us", "-kernels", "generic", "-shapes", sharedSetting.String(), "-peers", c.peers}
		status := run(args, &stdout, &stderr)
		if status != c.status || !strings.Contains(stdout.String(), "\n### Not run\n") || !strings.Contains(stdout.String(), c.want) {
			t.Errorf("%s: status %d, standard error %q, want %q in\n%s", c.mode, status, &stderr, c.want, &stdout)
		}
		table(t, stdout.String(), "shape, block | kernels | MiB | apply |")
	}
}
