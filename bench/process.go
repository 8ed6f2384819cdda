package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A process answers a line of request with a line, "ok …" or "error …", one at a
// time. In between it is blocked in a read, and ends where its input does.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  bytes.Buffer
	timeout time.Duration
}

// answerTimeout is many times what the slowest request takes.
const answerTimeout = 5 * time.Minute

// startProcess also returns the process's first line.
func startProcess(cmd *exec.Cmd, timeout time.Duration) (p *process, greeting []byte, err error) {
	p = &process{cmd: cmd, timeout: timeout}
	cmd.Stderr = &p.errors
	p.in, err = cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err = errors.Join(err, outErr); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, err
	}
	p.out = bufio.NewReader(out)
	if greeting, err = p.readLine(); err != nil {
		p.stop()
		return nil, nil, fmt.Errorf("%s: no greeting: %w", cmd.Path, err)
	}
	return p, greeting, nil
}

func (p *process) stop() {
	p.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	p.cmd.Wait()
}

// readLine reads an answer, and kills the process if there is none.
func (p *process) readLine() ([]byte, error) {
	kill := time.AfterFunc(p.timeout, func() { p.cmd.Process.Kill() })
	line, err := p.out.ReadBytes('\n')
	if !kill.Stop() {
		return nil, fmt.Errorf("no answer within %v", p.timeout)
	}
	if err != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait() // Then all of its errors are here.
		// Python tells the reason in the last line, Go before the stacks.
		lines := strings.Split(strings.TrimSpace(p.errors.String()), "\n")
		reason := lines[len(lines)-1]
		for _, line := range lines {
			if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
				reason = line
			}
		}
		return nil, fmt.Errorf("the process ended: %s", reason)
	}
	return bytes.TrimSpace(line), nil
}

// A refusal is an answer "error …": the process goes on.
type refusal struct{ request, text string }

func (r *refusal) Error() string { return r.request + ": " + r.text }

// ask returns the words of the answer behind ok.
func (p *process) ask(format string, args ...any) ([]string, error) {
	request := fmt.Sprintf(format, args...)
	fmt.Fprintln(p.in, request) // If that fails, the process ended, and readLine tells why.
	line, err := p.readLine()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request, err)
	}
	words := strings.Fields(string(line))
	switch {
	case len(words) > 0 && words[0] == "ok":
		return words[1:], nil
	case len(words) > 0 && words[0] == "error":
		return nil, &refusal{request, strings.Join(words[1:], " ")}
	}
	return nil, fmt.Errorf("%s: the answer is %q, want ok or error", request, line)
}

// numbers asks for n numbers from 0 on, of which the last is above 0.
func (p *process) numbers(n int, format string, args ...any) ([]float64, error) {
	words, err := p.ask(format, args...)
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, word := range words {
		if v, err := strconv.ParseFloat(word, 64); err == nil && v >= 0 && !math.IsInf(v, 0) {
			all = append(all, v)
		}
	}
	if len(all) != n || len(words) != n || all[n-1] == 0 {
		return nil, fmt.Errorf("%s: the answer is %q, want %d numbers", fmt.Sprintf(format, args...), words, n)
	}
	return all, nil
}
