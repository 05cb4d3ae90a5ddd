// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// A process that reads its own mount can end up waiting for itself where nothing
// can kill it. So the test binary serves mounts from a child process, which is
// the test binary again, started with this variable in its environment.
const serveVariable = "MOONFIREFS_TEST_SERVE"

// serveOptions is the value of serveVariable, as JSON.
type serveOptions struct {
	Store, Mountpoint string
	// Recording makes the child record as well, as it is told on standard input.
	Recording  bool
	AllowOther bool
	UID, GID   uint32
	Gaps       mp4.Gaps
	Timestamps bool
	// Status makes the mount tell of a recorder, as it is told on standard input.
	Status bool
	// Panics adds a folder entry whose lookup panics.
	Panics bool
	// KnownFiles bounds how many files the kernel may know, unless it is 0.
	KnownFiles int
}

// childStatus is what the mount of a child with Status tells.
var childStatus atomic.Pointer[status.Report]

func TestMain(m *testing.M) {
	if text := os.Getenv(serveVariable); text != "" {
		if err := serveChild(text); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// serveChild serves until standard input ends. It says "ready" once it is, and
// carries out takes that it reads, each answered by "done".
func serveChild(text string) error {
	var o serveOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	if err := serveStore(o); err != nil {
		return err
	}
	return goleak.Find()
}

func serveStore(o serveOptions) (err error) {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	f, opened, err := openFixture(ctx, o.Store, o.Recording, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	mount, err := openMount(ctx, f, o, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mount.Close()) }()
	fmt.Println("ready")
	return obey(ctx, f, mount)
}

func openMount(ctx context.Context, f *fixture, o serveOptions, log *slog.Logger) (*Mount, error) {
	catalog, err := f.newCatalog(library.RenderOptions{Gaps: o.Gaps, Timestamps: o.Timestamps})
	if err != nil {
		return nil, err
	}
	options := Options{
		Mountpoint: o.Mountpoint, Catalog: catalog, AllowOther: o.AllowOther, UID: o.UID, GID: o.GID, Logger: log,
	}
	if o.Status {
		options.Status = childStatus.Load
	}
	if !o.Panics && o.KnownFiles == 0 {
		return Open(ctx, options)
	}
	t, err := newTree(ctx, options)
	if err != nil {
		return nil, err
	}
	if o.Panics {
		return serveCatalog(options, t, &panickingRoot{root{node{tree: t}}})
	}
	t.knownFiles = o.KnownFiles
	r := &root{node{tree: t}}
	childRoot = r.EmbeddedInode()
	return serveCatalog(options, t, r)
}

// childRoot is that of the mount of a child with KnownFiles.
var childRoot *gofs.Inode

// awaitKnown waits until the kernel knows no more files than a number, of a child with
// KnownFiles.
func awaitKnown(most int) error {
	known := 0
	few := wait.Poll(func() bool {
		known = 0
		for _, files := range (&watcher{root: childRoot}).knownDays() {
			known += len(files)
		}
		return known <= most
	})
	if !few {
		return fmt.Errorf("the kernel still knows %d files", known)
	}
	return nil
}

// panickingRoot has an entry that should not be looked up.
type panickingRoot struct{ root }

func (r *panickingRoot) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if name == "panic" {
		panic("as the test wants it")
	}
	return r.root.Lookup(ctx, name, out)
}

func obey(ctx context.Context, f *fixture, mount *Mount) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch line := lines.Text(); line {
		case "wait":
			mount.Wait()
		case "close":
			if err := mount.Close(); err != nil {
				return err
			}
		case "few known":
			if err := awaitKnown(mount.tree.knownFiles); err != nil {
				return err
			}
		case "forget all":
			w := &watcher{tree: mount.tree, root: childRoot}
			w.prune(0)
			if err := awaitKnown(1); err != nil { // that one is open
				return err
			}
			w.room.giveBack(context.Background())
		case "alive":
			if !mount.Alive(time.Minute) || mount.Alive(0) {
				return errors.New("alive when it is not, or the other way round")
			}
		case "gone":
			if mount.Wait(); mount.Alive(time.Hour) {
				return errors.New("alive although it is gone")
			}
		default:
			if text, ok := strings.CutPrefix(line, "status "); ok {
				r := new(status.Report)
				if err := json.Unmarshal([]byte(text), r); err != nil {
					return err
				}
				childStatus.Store(r)
				break
			}
			var t take
			if err := json.Unmarshal([]byte(line), &t); err != nil {
				return err
			}
			if _, err := f.record(ctx, t); err != nil {
				return err
			}
		}
		fmt.Println("done")
	}
	return lines.Err()
}

// server is a child process with a mount.
type server struct {
	t          testing.TB
	mountpoint string
	cmd        *exec.Cmd
	stdin      io.WriteCloser
	stdout     *bufio.Scanner
	log        *syncbuffer.Buffer
	stopped    bool
}

// startServer serves a store until the test ends.
func startServer(t testing.TB, o serveOptions) *server {
	t.Helper()
	if o.Mountpoint == "" {
		o.Mountpoint = filepath.Join(t.TempDir(), "mount point")
		if err := os.Mkdir(o.Mountpoint, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := launch(t, o)
	if got := s.answer(); got != "ready" {
		t.Fatalf("the server says %q; log:\n%s", got, s.log)
	}
	return s
}

// launch starts a child without waiting for its answer.
func launch(t testing.TB, o serveOptions) *server {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, mountpoint: o.Mountpoint, cmd: exec.Command(os.Args[0]), log: new(syncbuffer.Buffer)}
	// The race detector would wait for a second at the end of each child.
	s.cmd.Env = append(os.Environ(), serveVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	s.cmd.Stderr = s.log
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdout = bufio.NewScanner(stdout)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		// Whatever has happened, no mount may stay behind.
		_ = unix.Unmount(s.mountpoint, unix.MNT_DETACH)
		if t.Failed() {
			t.Logf("log of the server:\n%s", s.log)
		}
	})
	return s
}

// answer returns the next line of the child's standard output.
func (s *server) answer() string {
	if !s.stdout.Scan() {
		return ""
	}
	return s.stdout.Text()
}

// tell sends a command and waits until it is carried out.
func (s *server) tell(command string) {
	s.t.Helper()
	fmt.Fprintln(s.stdin, command)
	if got := s.answer(); got != "done" {
		s.t.Fatalf("the server answers %q to %q; log:\n%s", got, command, s.log)
	}
}

// record has the child record.
func (s *server) record(t take) {
	s.t.Helper()
	text, err := json.Marshal(t)
	if err != nil {
		s.t.Fatal(err)
	}
	s.tell(string(text))
}

// stop ends the child in order and reports what it complains about: leaked
// goroutines and data races among others.
func (s *server) stop() {
	s.t.Helper()
	if s.stopped {
		return
	}
	s.stopped = true
	s.stdin.Close()
	killer := time.AfterFunc(wait.Limit, func() { _ = s.cmd.Process.Signal(syscall.SIGQUIT) })
	defer killer.Stop()
	var rest []string
	for s.stdout.Scan() {
		rest = append(rest, s.stdout.Text())
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v: %q; log:\n%s", err, rest, s.log)
	}
}

// kill ends the child as a crash would. The mount stays behind.
func (s *server) kill() {
	s.t.Helper()
	s.stopped = true
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // "signal: killed"
}

// path returns a path in the mount.
func (s *server) path(elements ...string) string {
	return filepath.Join(append([]string{s.mountpoint}, elements...)...)
}

// newStore makes a store and opens it for recording until the test ends. It must be
// in order then.
func newStore(t testing.TB, zone string, retainBytes int64) (path string, f *fixture) {
	t.Helper()
	path = newClosedStore(t, zone, retainBytes)
	t.Cleanup(func() { checktest.Require(t, path) })
	return path, openStore(t, path)
}

// newBrokenStore makes one that the test is going to break, or to fill with rows alone.
func newBrokenStore(t testing.TB) (path string, f *fixture) {
	t.Helper()
	path = newClosedStore(t, newYork, unlimited)
	return path, openStore(t, path)
}

func openStore(t testing.TB, path string) *fixture {
	t.Helper()
	return &fixture{teststore.MustOpen(t, path)}
}

func newClosedStore(t testing.TB, zone string, retainBytes int64) string {
	t.Helper()
	return teststore.NewWith(t, zone, teststore.Camera{
		Name: "driveway", Description: "seen from the garage", RetainBytes: retainBytes, SubRetainBytes: retainBytes,
	})
}

// mustRecord records in this process.
func (f *fixture) mustRecord(t testing.TB, what take) []*moonfirefs.Recording {
	t.Helper()
	recordings, err := f.record(t.Context(), what)
	if err != nil {
		t.Fatal(err)
	}
	return recordings
}

// at is an instant, such as "2026-11-22T13:00:00-05:00".
func at(t testing.TB, text string) moonfirefs.Time90k {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moonfirefs.FromTime(instant)
}
