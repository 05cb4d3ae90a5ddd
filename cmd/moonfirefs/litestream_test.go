// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// litestreamPath turns the tests on that need Litestream; see make litestreamtest.
var litestreamPath = flag.String("litestream", "", "path of the program litestream")

// litestream is one that replicates the index of a store.
type litestream struct {
	t       *testing.T
	cmd     *exec.Cmd
	replica string
}

// replicate runs Litestream with the example configuration, but for its paths.
func replicate(t *testing.T, store, replica string) *litestream {
	t.Helper()
	config, err := os.ReadFile("../../examples/litestream.yml")
	mustDo(t, err)
	text := strings.NewReplacer("/var/lib/moonfirefs", store, "s3://BUCKET/house/index", "file://"+replica).Replace(string(config))
	path := filepath.Join(t.TempDir(), "litestream.yml")
	mustDo(t, os.WriteFile(path, []byte(text), 0o600))
	l := &litestream{t, exec.Command(*litestreamPath, "replicate", "-config", path), replica}
	output := new(syncbuffer.Buffer)
	l.cmd.Stdout, l.cmd.Stderr = output, output
	mustDo(t, l.cmd.Start())
	t.Cleanup(func() {
		l.kill()
		if t.Failed() {
			t.Logf("litestream printed:\n%s", output)
		}
	})
	return l
}

// kill ends it as a power cut does.
func (l *litestream) kill() {
	if l.cmd.ProcessState == nil {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait() // it was killed
	}
}

// restored restores the index to a new store, whose samples are those of another one.
func restored(t *testing.T, replica, samples string) (store string) {
	t.Helper()
	store = filepath.Join(t.TempDir(), "restored")
	mustDo(t, os.Mkdir(store, 0o755), os.Symlink(samples, filepath.Join(store, "samples")))
	if output, err := exec.Command(*litestreamPath, "restore", "-o", filepath.Join(store, "moonfire.db"), "file://"+replica).CombinedOutput(); err != nil {
		t.Fatalf("restore: %v: %s", err, output)
	}
	return store
}

// newestID is the id of the recording of a store that was committed last.
func newestID(t *testing.T, store string) int {
	t.Helper()
	output, err := exec.Command("sqlite3", "-readonly", filepath.Join(store, "moonfire.db"), "select ifnull(max(id), 0) from recording").Output()
	mustDo(t, err)
	id, err := strconv.Atoi(strings.TrimSpace(string(output)))
	mustDo(t, err)
	return id
}

// awaitReplica waits until the replica has the recordings of the store.
func awaitReplica(t *testing.T, l *litestream, store string) {
	t.Helper()
	want := newestID(t, store)
	wait.Until(t, "the replica has all recordings", func() bool {
		path := filepath.Join(t.TempDir(), strconv.Itoa(want), "look")
		mustDo(t, os.RemoveAll(filepath.Dir(path)), os.MkdirAll(path, 0o755))
		if exec.Command(*litestreamPath, "restore", "-o", filepath.Join(path, "moonfire.db"), "file://"+l.replica).Run() != nil {
			return false
		}
		return newestID(t, path) >= want
	})
}

// hoursOf digests the hours that a store shows.
func hoursOf(t *testing.T, store string) map[string]string {
	t.Helper()
	mountpoint := newMountpoint(t)
	mounted := start(t, "mount", mountpoint, "--store", store)
	mounted.saw("mounted")
	digests := make(map[string]string)
	for _, path := range files(t, mountpoint) {
		data, err := os.ReadFile(path)
		mustDo(t, err)
		sum := sha256.Sum256(data)
		digests[path[len(mountpoint):]] = hex.EncodeToString(sum[:])
	}
	mounted.stop()
	return digests
}

func requireLitestream(t *testing.T) {
	t.Helper()
	if *litestreamPath == "" {
		t.Skip("-litestream is not given (make litestreamtest)")
	}
	t.Parallel()
}

// TestLitestream ensures that an index which Litestream replicates while a recorder writes it
// can be restored elsewhere after the recorder and its index are lost, and shows what had been
// replicated by then, with the same bytes. It tells how much that lacks.
func TestLitestream(t *testing.T) {
	requireLitestream(t)
	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	path := newBrokenStore(t)
	mustRun(t, "camera", "add", "--no-test", "--store", path, "driveway", camera.URL(), "--retain", "1GB")
	l := replicate(t, path, filepath.Join(t.TempDir(), "replica"))
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 8)
	recorder.stop() // while Litestream has the index open
	recorder = start(t, "run", mountpoint, "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, 20)
	kill(recorder, mountpoint)
	l.kill()

	lost := newestID(t, path)
	again := restored(t, l.replica, filepath.Join(path, "samples"))
	kept := newestID(t, again)
	t.Logf("%d of %d recordings of a second were replicated: %d s of footage are not in the index", kept, lost, lost-kept)
	if kept == 0 {
		t.Fatal("nothing was replicated")
	}
	hours := hoursOf(t, again)
	if len(hours) == 0 {
		t.Fatal("nothing is shown")
	}
	// What the index had then, of the store that is lost.
	teststore.Spoil(t, path, "delete from recording where id > "+strconv.Itoa(kept)+"; delete from reserved_sample_files")
	if want := hoursOf(t, path); !maps.Equal(want, hours) {
		t.Errorf("the hours are %v, and were %v", hours, want)
	}
}

// TestLitestreamAway ensures that what is committed while Litestream is away, more than
// SQLite's log holds before it begins anew, is replicated once it is back, and that the log
// does not grow for ever beside it.
func TestLitestreamAway(t *testing.T) {
	requireLitestream(t)
	path := teststore.New(t, 3)
	replica := filepath.Join(t.TempDir(), "replica")
	l := replicate(t, path, replica)
	awaitReplica(t, l, path)
	l.kill()
	s := teststore.MustOpen(t, path)
	s.Append(t, 600)
	if size := walBytes(t, path); size > 8<<20 {
		t.Errorf("without Litestream, the log has %d bytes", size)
	}
	l = replicate(t, path, replica)
	awaitReplica(t, l, path)
	s.Append(t, 2000)
	awaitReplica(t, l, path)
	// One that stands still keeps what it has not read yet.
	before := walBytes(t, path)
	mustDo(t, l.cmd.Process.Signal(syscall.SIGSTOP))
	s.Append(t, 600)
	t.Logf("the log has %d bytes, and %d after 600 recordings while Litestream stood still", before, walBytes(t, path))
	mustDo(t, l.cmd.Process.Signal(syscall.SIGCONT))
	awaitReplica(t, l, path)
	s.Append(t, 600)
	awaitReplica(t, l, path)
	t.Logf("it has %d bytes when all is well again", walBytes(t, path))
	if size := walBytes(t, path); size > 64<<20 {
		t.Errorf("beside Litestream, the log has %d bytes", size)
	}
	mustDo(t, s.Close())
	if err := l.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("Litestream has ended: %v", err)
	}
	l.kill()
	again := restored(t, replica, filepath.Join(path, "samples"))
	if want, got := hoursOf(t, path), hoursOf(t, again); len(want) == 0 || !maps.Equal(want, got) {
		t.Errorf("%d hours, not %d, or others", len(got), len(want))
	}
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", path)
}

func walBytes(t *testing.T, store string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(store, "moonfire.db-wal"))
	mustDo(t, err)
	return info.Size()
}

// TestFollowReplica ensures that a mount without a recorder shows what a replica has, and
// follows it, as the example script has it restored again and again.
func TestFollowReplica(t *testing.T) {
	requireLitestream(t)
	path := teststore.New(t, 3)
	l := replicate(t, path, filepath.Join(t.TempDir(), "replica"))
	awaitReplica(t, l, path)
	folder := t.TempDir()
	follow := func() {
		cmd := exec.Command("../../examples/moonfirefs-follow", "file://"+l.replica, filepath.Join(path, "samples"), filepath.Join(folder, "house"))
		cmd.Env = append(os.Environ(), "LITESTREAM="+*litestreamPath)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("follow: %v: %s", err, output)
		}
	}
	follow()
	mountpoint := newMountpoint(t)
	mounted := start(t, "mount", mountpoint, "--stores", folder)
	mounted.saw("mounted")
	hour := filepath.Join(mountpoint, teststore.Driveway, "1970-01-01", "00.mp4")
	before, err := os.ReadFile(hour)
	mustDo(t, err)
	teststore.Append(t, path, 5)
	awaitReplica(t, l, path)
	follow()
	var now []byte
	wait.Until(t, "the new footage is shown", func() bool {
		now, err = os.ReadFile(hour)
		return err == nil && len(now) > len(before)
	})
	own := newMountpoint(t)
	single := start(t, "mount", own, "--store", path)
	single.saw("mounted")
	want, err := os.ReadFile(filepath.Join(own, teststore.Driveway, "1970-01-01", "00.mp4"))
	if err != nil || !bytes.Equal(now, want) {
		t.Errorf("the hour is another one than of the store itself: %v", err)
	}
}
