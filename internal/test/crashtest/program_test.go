// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// program is a moonfirefs that runs, or has run. Its log goes to a file, so that
// every line that it has written before it was killed is there.
type program struct {
	cmd     *exec.Cmd
	logPath string
	started time.Time
	exited  chan struct{}
	err     error // of the exit; valid once exited is closed
}

// startProgram starts the program in the background. The test's end ends it.
func startProgram(t *testing.T, logPath, faults string, arguments ...string) *program {
	t.Helper()
	path, err := programPath()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if !isLong() {
		faults += " end-without-limit=on" // see inTime
	}
	p := &program{cmd: exec.Command(path, arguments...), logPath: logPath, started: time.Now(), exited: make(chan struct{})}
	// The race detector would sleep for a second at the end.
	p.cmd.Env = append(os.Environ(), "MOONFIREFS_FAILPOINTS="+faults, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not outlive the tests
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p
}

func (p *program) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill is SIGKILL.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.exited
}

// pause stops the program, and returns when no system call is under way.
func (p *program) pause(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGSTOP) // it may have ended by itself
	wait.Until(t, "the program to pause", func() bool { return p.isPaused() || p.hasExited() })
}

func (p *program) isPaused() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	if err != nil {
		return false
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			return false
		}
		// The state follows the name, in parentheses (proc(5)).
		_, after, _ := strings.Cut(string(stat), ") ")
		if !strings.HasPrefix(after, "T") {
			return false
		}
	}
	return len(threads) > 0
}

// waitedForCores adds up how long its threads could have run and had no core (the second number
// of schedstat, proc(5)). On a machine with nothing else to do that is next to nothing.
func (p *program) waitedForCores() (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid)) // the pattern is right
	for _, thread := range threads {
		var ran, waited time.Duration
		if stat, err := os.ReadFile(thread); err == nil { // it may have ended
			_, _ = fmt.Sscan(string(stat), &ran, &waited) // 0 where the kernel does not count
		}
		sum += waited
	}
	return sum
}

func (p *program) resume() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// stop ends the program in order, and says what is wrong if that fails.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	if _, ended := wait.Receive(p.exited); !ended {
		p.kill()
		return errors.New("the program did not end when told to")
	}
	if p.err != nil {
		return fmt.Errorf("the program did not end in order: %w", p.err)
	}
	return nil
}

// log returns all that the program has written so far.
func (p *program) log() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// wasHit tells whether something has happened at a failpoint.
func (p *program) wasHit(point, action string) bool {
	return strings.Contains(p.log(), "failpoint: "+point+": "+action)
}

// promise is a recording whose commit the program has logged.
type promise struct {
	camera    string
	file      uuid.UUID
	sizeBytes int64
	// id is higher than those that were committed before.
	id    int64
	start time.Time
}

func (p promise) String() string {
	return fmt.Sprintf("recording %d of %s, file %s of %d bytes", p.id, p.camera, p.file, p.sizeBytes)
}

var (
	savedLine    = regexp.MustCompile(`msg=saved camera=(\S+) .* recording=(\d+) start=(\S+) file=(\S+) bytes=(\d+)`)
	salvagedLine = regexp.MustCompile(`msg="salvaging a recording that a crash interrupted" .* file=(\S+)`)
)

// promises lists the recordings that the program has committed.
func (p *program) promises() (all []promise, err error) {
	lines := bufio.NewScanner(strings.NewReader(p.log()))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		match := savedLine.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		id, idErr := strconv.ParseInt(match[2], 10, 64)
		start, startErr := time.Parse(time.RFC3339Nano, match[3])
		file, fileErr := uuid.Parse(match[4])
		sizeBytes, sizeErr := strconv.ParseInt(match[5], 10, 64)
		if err := errors.Join(idErr, startErr, fileErr, sizeErr); err != nil {
			return nil, err
		}
		all = append(all, promise{camera: match[1], id: id, start: start, file: file, sizeBytes: sizeBytes})
	}
	return all, lines.Err()
}

// records tells whether that many cameras have been recorded, and a recording of each
// committed, since the start. What was salvaged does not count.
func (p *program) records(cameras int) bool {
	promises, err := p.promises()
	if err != nil {
		return false
	}
	salvaged := make(map[string]bool)
	for _, match := range salvagedLine.FindAllStringSubmatch(p.log(), -1) {
		salvaged[match[1]] = true
	}
	seen := make(map[string]bool)
	for _, promise := range promises {
		if !salvaged[promise.file.String()] {
			seen[promise.camera] = true
		}
	}
	return len(seen) >= cameras
}

// waitUntil waits for a condition, or until the program has ended. It tells
// whether the condition has become true.
func (p *program) waitUntil(condition func() bool) bool {
	happened := false
	wait.Poll(func() bool {
		exited := p.hasExited() // before the last look at what it has done
		happened = condition()
		return happened || exited
	})
	return happened
}
