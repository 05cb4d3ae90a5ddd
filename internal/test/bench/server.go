// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
)

// patience bounds how long a program may take for what takes it seconds.
const patience = 5 * time.Minute

// server is a program that mounts something until it is told to end.
type server struct {
	mountpoint string
	cmd        *exec.Cmd
	output     *syncbuffer.Buffer
	exited     chan error
}

// mount serves a store.
func (b *bench) mount(ctx context.Context, store string) (*server, error) {
	return b.serve(ctx, "msg=mounted", b.program, "mount", "--store", store)
}

// record records the cameras of a store, and serves it.
func (b *bench) record(ctx context.Context, store string, flags ...string) (*server, error) {
	return b.serve(ctx, "msg=recording", b.program, append([]string{"run", "--store", store}, flags...)...)
}

// loopback serves a directory as it is.
func (b *bench) loopback(ctx context.Context, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.serve(ctx, loopbackServes, self, loopbackCommand, dir)
}

// serve starts a program, with a mountpoint as its last argument, and waits until it
// has printed a text.
func (b *bench) serve(ctx context.Context, ready, program string, args ...string) (*server, error) {
	mountpoint, err := os.MkdirTemp(b.dir, "mount-")
	if err != nil {
		return nil, err
	}
	s := &server{mountpoint: mountpoint, output: &syncbuffer.Buffer{}, exited: make(chan error, 1)}
	// Not with ctx: whoever is interrupted unmounts in order.
	s.cmd = exec.Command(program, append(args, mountpoint)...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.exited <- s.cmd.Wait() }()
	for deadline := time.Now().Add(patience); !strings.Contains(s.output.String(), ready); time.Sleep(time.Millisecond) {
		select {
		case err := <-s.exited:
			return nil, fmt.Errorf("%s ended: %w: %s", program, err, s.output)
		default:
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("%s is not ready: %s", program, s.output), ctx.Err(), s.stop())
		}
	}
	return s, nil
}

// stop ends the program in order.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("%w: %s", err, s.output)
		}
		return os.Remove(s.mountpoint)
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("it does not end: %s", s.output), s.cmd.Process.Kill())
	}
}

func (s *server) path(name string) string { return filepath.Join(s.mountpoint, name) }

// scheduled is how many seconds on a processor the threads of a process have had, to
// the nanosecond.
func scheduled(pid int) (seconds float64, err error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(paths) == 0 {
		return 0, fmt.Errorf("process %d has no threads: %w", pid, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		var nanoseconds float64
		if _, err := fmt.Sscan(string(text), &nanoseconds); err != nil {
			return 0, err
		}
		seconds += nanoseconds / 1e9
	}
	return seconds, nil
}

// memoryBytes is a line of the program's /proc/PID/status, such as VmRSS.
func (s *server) memoryBytes(line string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(status), line+":")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil || !found {
		return 0, fmt.Errorf("%s: %w", line, err)
	}
	return kilobytes << 10, nil
}

// command runs a program to its end. What it prints goes nowhere, unless it fails.
func command(ctx context.Context, name string, args ...string) error {
	return commandIn(ctx, "", append([]string{name}, args...))
}

// commandIn is command in a folder.
func commandIn(ctx context.Context, folder string, words []string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Stderr = folder, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}
