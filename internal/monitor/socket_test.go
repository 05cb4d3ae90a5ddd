// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

func answerWell() (*status.Report, error) { return &status.Report{TimeZoneName: "UTC"}, nil }

// listenAt serves in a directory until the test ends.
func listenAt(t *testing.T, dir, group string, answer func() (*status.Report, error)) *socket {
	t.Helper()
	s, err := listen(&Options{Socket: SocketPath(dir), SocketGroup: group, Logger: quiet}, answer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSocket(t, s) })
	return s
}

func closeSocket(t *testing.T, s *socket) {
	t.Helper()
	if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func requireMode(t *testing.T, path string, want os.FileMode, gid uint32) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != want || info.Sys().(*syscall.Stat_t).Gid != gid {
		t.Errorf("%s: %+v (%v), want %v of group %d", path, info, err, want, gid)
	}
}

// Ensures that whoever may ask is answered, many at a time, that nobody else may,
// and that nothing is left behind, also where the path is long.
func TestSocket(t *testing.T) {
	for name, dir := range map[string]string{
		"short": t.TempDir(), "long": filepath.Join(t.TempDir(), strings.Repeat("long/", 30)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if _, err := Ask(dir); !errors.Is(err, ErrNoRecorder) {
				t.Errorf("without a recorder: %v", err)
			}
			s := listenAt(t, dir, "", answerWell)
			requireMode(t, SocketPath(dir), 0o600, uint32(os.Getgid()))
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if r, err := Ask(dir); err != nil || r.TimeZoneName != "UTC" {
						t.Errorf("%+v, %v", r, err)
					}
				})
			}
			wg.Wait()
			closeSocket(t, s)
			if _, err := os.Lstat(SocketPath(dir)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left: %v", err)
			}
		})
	}
}

// Ensures that a group may be admitted, and that one that does not exist is an
// error that leaves nothing behind.
func TestSocketGroup(t *testing.T) {
	dir := t.TempDir()
	listenAt(t, dir, "daemon", answerWell)
	requireMode(t, SocketPath(dir), 0o660, 1)

	dir = t.TempDir()
	if s, err := listen(&Options{Socket: SocketPath(dir), SocketGroup: "no-such-group", Logger: quiet}, answerWell); err == nil || s != nil {
		t.Errorf("got %v, %v", s, err)
	}
	requireEmptyDir(t, dir)
}

func requireEmptyDir(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%s has %v (%v)", dir, entries, err)
	}
}

// Ensures that the socket of a killed process is replaced, and that neither one
// that answers nor a file is.
func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: SocketPath(dir)})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	if _, err := Ask(dir); !errors.Is(err, ErrNoRecorder) {
		t.Errorf("a stale socket: %v", err)
	}
	first := listenAt(t, dir, "", answerWell)
	if s, err := listen(&Options{Socket: SocketPath(dir), Logger: quiet}, answerWell); err == nil || s != nil {
		t.Errorf("a socket that answers was replaced: %v", err)
	}
	if _, err := Ask(dir); err != nil {
		t.Errorf("the first one does not answer any more: %v", err)
	}
	closeSocket(t, first)
	if err := os.WriteFile(SocketPath(dir), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := listen(&Options{Socket: SocketPath(dir), Logger: quiet}, answerWell); err == nil || s != nil {
		t.Errorf("a file was replaced: %v", err)
	}
	if data, err := os.ReadFile(SocketPath(dir)); err != nil || string(data) != "precious" {
		t.Errorf("the file has %q (%v)", data, err)
	}
}

// Ensures that who connects and does not read keeps nobody else from an answer,
// nor the recorder from ending, and that a recorder that cannot tell is not taken
// for none.
func TestSocketTrouble(t *testing.T) {
	dir := t.TempDir()
	listenAt(t, dir, "", answerWell)
	for range 3 {
		lazy, err := net.Dial("unix", SocketPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer lazy.Close()
	}
	if _, err := Ask(dir); err != nil {
		t.Error(err)
	}
	dir = t.TempDir()
	listenAt(t, dir, "", func() (*status.Report, error) { return nil, errors.New("as the test wants it") })
	if _, err := Ask(dir); err == nil || errors.Is(err, ErrNoRecorder) {
		t.Errorf("got %v", err)
	}
}

// Ensures that Close does not wait for who reads nothing of a long answer, however long
// that may take otherwise.
func TestSocketClosesSoon(t *testing.T) {
	dir := t.TempDir()
	s := newSocket(&Options{Socket: SocketPath(dir), Logger: quiet}, func() (*status.Report, error) {
		return &status.Report{TimeZoneName: strings.Repeat("long ", 1<<20)}, nil
	})
	s.answerTimeout = 24 * time.Hour
	if err := s.open(""); err != nil {
		t.Fatal(err)
	}
	lazy, err := net.Dial("unix", SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer lazy.Close()
	if _, err := lazy.Read(make([]byte, 1)); err != nil { // it is being answered
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	err, ok := wait.Receive(closed)
	if !ok || err != nil {
		t.Errorf("closed %v: %v", ok, err)
	}
}

// Ensures that another user is refused by the kernel.
func TestSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	for path := dir; path != "/tmp" && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listenAt(t, dir, "", answerWell)
	cmd := exec.Command("/usr/bin/python3", "-c", `import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])`, SocketPath(dir))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "PermissionError") {
		t.Errorf("nobody was let in: %v\n%s", err, out)
	}
}
