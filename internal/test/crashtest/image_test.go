// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// filesystem is a kind of file system, and how to make and mount it.
type filesystem struct {
	name string
	// sizeBytes is the least that mkfs accepts, or little more.
	sizeBytes    int64
	mkfs         []string
	mountOptions string
}

var (
	// With a long commit interval, nothing becomes durable by the mere passing of
	// time.
	ext4 = filesystem{name: "ext4", sizeBytes: 64 << 20, mkfs: []string{"mkfs.ext4", "-q", "-F"}, mountOptions: "loop,commit=1000"}
	xfs  = filesystem{name: "xfs", sizeBytes: 300 << 20, mkfs: []string{"mkfs.xfs", "-q", "-f"}, mountOptions: "loop"}
)

// image is a file system in a file, mounted by way of a loop device.
type image struct {
	t    *testing.T
	kind filesystem
	file string
	// path is where it is mounted.
	path string
}

// newImage makes a file system and mounts it. The loop device goes with the
// mount, and the mount, at the latest, with the test.
func newImage(t *testing.T, kind filesystem) *image {
	t.Helper()
	i := &image{t: t, kind: kind, file: filepath.Join(t.TempDir(), kind.name+".image"), path: t.TempDir()}
	t.Cleanup(func() { detach(t, i.path) })
	f, err := os.Create(i.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(kind.sizeBytes), f.Close()); err != nil {
		t.Fatal(err)
	}
	i.command(append(kind.mkfs, i.file)...)
	i.mount()
	return i
}

func (i *image) command(words ...string) {
	i.t.Helper()
	if output, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		i.t.Fatalf("%q: %v\n%s", words, err, output)
	}
}

func (i *image) mount() {
	i.t.Helper()
	i.command("mount", "-o", i.kind.mountOptions, i.file, i.path)
}

// FS_IOC_SHUTDOWN of Linux (include/uapi/linux/fs.h), and its flag that says not
// even to write the log.
const (
	shutdownIoctl      = 0x8004587d
	shutdownNoLogFlush = 2
)

// cut is a power cut: what was not synchronized is lost, and every operation
// fails from now on.
func (i *image) cut() {
	i.t.Helper()
	dir, err := os.Open(i.path)
	if err != nil {
		i.t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), shutdownIoctl, shutdownNoLogFlush); err != nil {
		i.t.Fatalf("shut down %s: %v", i.kind.name, err)
	}
}

// remount is what happens when the power is back. No program may use the file
// system any more.
func (i *image) remount() {
	i.t.Helper()
	if err := i.unmount(); err != nil {
		i.t.Fatal(err)
	}
	i.mount()
}

// unmount waits for those who are about to let go.
func (i *image) unmount() (err error) {
	wait.Poll(func() bool {
		err = unix.Unmount(i.path, 0)
		return !errors.Is(err, unix.EBUSY)
	})
	if err != nil {
		return fmt.Errorf("unmount %s: %w", i.path, err)
	}
	return nil
}
