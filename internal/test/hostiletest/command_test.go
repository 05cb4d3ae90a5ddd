// SPDX-License-Identifier: GPL-3.0-or-later

package hostiletest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// maxMemoryBytes bounds what a process may take: several times what it takes with a good
// store, and a fraction of what is in a hostile one.
const maxMemoryBytes = 512 << 20

// command is the program, running.
type command struct {
	testing.TB
	args   []string
	cmd    *exec.Cmd
	output syncbuffer.Buffer
	exited chan struct{}
	// over says that it was killed, since it took too much memory.
	over error
}

// start runs the program with a store. It is killed if it takes too much memory.
func (s *scene) start(t testing.TB, args ...string) *command {
	t.Helper()
	c := &command{TB: t, args: args, exited: make(chan struct{})}
	c.cmd = exec.Command(binary, append(args, "--store", s.path)...)
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.watch()
	return c
}

// watch looks at the memory until the program has exited.
func (c *command) watch() {
	defer close(c.exited)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = c.cmd.Wait() // the status says it
	}()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-waited:
			return
		case <-ticker.C:
			if bytes := residentBytes(c.cmd.Process.Pid); bytes > maxMemoryBytes {
				c.over = fmt.Errorf("it took %d MB of memory", bytes>>20)
				_ = c.cmd.Process.Kill()
			}
		}
	}
}

func residentBytes(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0 // it has exited
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// end waits for the program, and returns its exit status.
func (c *command) end() (status int) {
	c.Helper()
	if _, ended := wait.Receive(c.exited); !ended {
		c.Errorf("moonfirefs %q hangs; it printed:\n%s", c.args, c.text())
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
	state := c.cmd.ProcessState
	if c.over == nil && state.SysUsage().(*syscall.Rusage).Maxrss<<10 > maxMemoryBytes {
		c.over = fmt.Errorf("it took %d MB of memory", state.SysUsage().(*syscall.Rusage).Maxrss>>10)
	}
	text := c.text()
	switch {
	case c.over != nil:
		c.Errorf("moonfirefs %q: %v; it printed:\n%s", c.args, c.over, text)
	case !state.Exited() || strings.Contains(text, "goroutine "):
		c.Errorf("moonfirefs %q died: %v; it printed:\n%s", c.args, state, text)
	}
	if problem := unprintable(c.output.String()); problem != "" {
		c.Errorf("moonfirefs %q printed %s:\n%s", c.args, problem, text)
	}
	return state.ExitCode()
}

// text is what was printed, short enough to be shown.
func (c *command) text() string {
	text := fmt.Sprintf("%q", c.output.String())
	return strings.ReplaceAll(text[:min(len(text), 3000)], `\n`, "\n")
}

// stop ends the program in order.
func (c *command) stop() {
	c.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	if status := c.end(); status != 0 {
		c.Errorf("moonfirefs %q ended with status %d; it printed:\n%s", c.args, status, c.text())
	}
}

// run runs the program to its end.
func (s *scene) run(t testing.TB, args ...string) (output string, status int) {
	t.Helper()
	c := s.start(t, args...)
	status = c.end()
	return c.output.String(), status
}

// unprintable says what a text has that a terminal or a person should not see.
func unprintable(text string) string {
	if !utf8.ValidString(text) {
		return "what is not UTF-8"
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
		return fmt.Sprintf("%q", []rune(text[i:])[0])
	}
	return ""
}

// copyTree copies a directory with the program cp, holes of files included.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), "cp", "-a", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, output)
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func equalFiles(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: %d bytes, not %d", what, len(got), len(want))
	}
}
