// SPDX-License-Identifier: GPL-3.0-or-later

package servertest

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a program that runs beside a test.
type child struct {
	cmd *exec.Cmd
	// firstLine is what it prints first.
	firstLine chan string
	ended     chan struct{}

	mu     sync.Mutex // guards output
	output bytes.Buffer
}

// begin starts a program; it is ended with the test at the latest.
func begin(t *testing.T, name string, args ...string) *child {
	t.Helper()
	return beginCommand(t, exec.Command(name, args...))
}

func beginCommand(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd, firstLine: make(chan string, 1), ended: make(chan struct{})}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr = c.cmd.Stdout
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(output)
	t.Cleanup(func() {
		c.end(syscall.SIGTERM)
		if t.Failed() {
			c.mu.Lock()
			defer c.mu.Unlock()
			t.Logf("%s printed:\n%s", c.cmd, &c.output)
		}
	})
	return c
}

func (c *child) read(output io.Reader) {
	defer close(c.ended)
	lines := bufio.NewScanner(output)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			c.firstLine <- lines.Text()
		}
		c.mu.Lock()
		c.output.WriteString(lines.Text() + "\n")
		c.mu.Unlock()
	}
	_ = c.cmd.Wait() // how it ends is its own business
}

// end asks the program to end, and waits until it has.
func (c *child) end(signal syscall.Signal) {
	_ = c.cmd.Process.Signal(signal) // it may have ended
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// run runs a program to its end and returns what it prints. It must not complain.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var output, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, &complaints)
	}
	return output.String()
}
