// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// server is a moonfirefs that runs.
type server struct {
	t          *testing.T
	mountpoint string
	cmd        *exec.Cmd
	output     *syncbuffer.Buffer
	exited     chan struct{}
}

// newMountpoint makes a directory to mount at. What is left there at the end is
// detached, and an error.
func newMountpoint(t *testing.T) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "nvr")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := syscall.Unmount(path, syscall.MNT_DETACH)
		if err == nil {
			t.Errorf("%s was left mounted", path)
		} else if !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	})
	return path
}

// mount serves a store at a new mountpoint, for all users.
func mount(t *testing.T, store string) *server {
	t.Helper()
	return mountAt(t, store, newMountpoint(t))
}

func mountAt(t *testing.T, store, mountpoint string) *server {
	t.Helper()
	args := append([]string{"mount", mountpoint, "--store", store, "--allow-other"}, viewerFlags()...)
	s := serve(t, mountpoint, exec.Command(binary, args...))
	s.saw("msg=mounted")
	return s
}

// serve starts a program that mounts.
func serve(t *testing.T, mountpoint string, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, mountpoint: mountpoint, cmd: cmd, output: &syncbuffer.Buffer{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.WaitDelay = wait.Limit // for children that keep the pipes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // what it printed says more
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("moonfirefs printed:\n%s", s.output)
		}
	})
	return s
}

// stop ends the program in order. It may be called more than once.
func (s *server) stop() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	if _, ended := wait.Receive(s.exited); !ended {
		s.t.Errorf("moonfirefs did not end; it printed:\n%s", s.output)
		s.kill()
	}
}

// kill ends the program without giving it a chance to do anything.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// saw waits until the program has printed a text.
func (s *server) saw(text string) {
	s.t.Helper()
	wait.Until(s.t, "moonfirefs to print "+text, func() bool {
		select {
		case <-s.exited:
			s.t.Fatalf("moonfirefs ended; it printed:\n%s", s.output)
		default:
		}
		return strings.Contains(s.output.String(), text)
	})
}

func (s *server) path(name string) string { return filepath.Join(s.mountpoint, name) }
