// SPDX-License-Identifier: GPL-3.0-or-later

package mountpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Detach unmounts a path, with the flags of umount2(2). Without privileges it leaves
// that to fusermount3, which is lazy if told so and never forces.
func Detach(path string, flags int) error {
	err := unix.Unmount(path, flags)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	arguments := []string{"-u"}
	if flags&unix.MNT_DETACH != 0 {
		arguments = append(arguments, "-z")
	}
	output, err := exec.Command("fusermount3", append(arguments, "--", path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("fusermount3: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// Abort cuts the kernel's connection to the server of the mount with a device number,
// "major:minor": whoever uses the mount gets errors. Where the control file system is
// not mounted, or the connection is gone, it does nothing.
func Abort(device string) error {
	_, minor, _ := strings.Cut(device, ":") // by which the folders of that file system are named
	err := os.WriteFile(filepath.Join("/sys/fs/fuse/connections", minor, "abort"), []byte("1"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// KeepFromChildren has no program that is started from now on inherit the connections to
// the kernel. One that outlives this process would keep the mount, and whoever uses it,
// waiting for answers.
func KeepFromChildren(log *slog.Logger) {
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		log.Warn("commands inherit the mount's connection to the kernel", "err", err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(descriptors, e.Name()))
		if fd, notNumber := strconv.Atoi(e.Name()); err == nil && notNumber == nil && target == "/dev/fuse" {
			unix.CloseOnExec(fd)
		}
	}
}

// descriptors has a link for each open descriptor of this process.
const descriptors = "/proc/self/fd"

// SetReadAhead sets how far the kernel may read ahead in files of the mount with a
// device number, in KiB. Only root may.
func SetReadAhead(device string, kib int) error {
	return os.WriteFile(filepath.Join("/sys/class/bdi", device, "read_ahead_kb"), []byte(strconv.Itoa(kib)), 0)
}
