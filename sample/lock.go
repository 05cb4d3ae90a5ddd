// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// lockName is the file that a recorder locks. It stays when the lock is given
// up: removing it would let two processes lock two files of the same name.
const lockName = "lock"

// lockUse locks the directory itself: shared by all who use it, so that a repair
// can shut them out.
func lockUse(handle *os.File, mode Mode) error {
	how, problem := unix.LOCK_SH, "it is being repaired"
	if mode == Repairing {
		how, problem = unix.LOCK_EX, "another process uses it (a recorder, a mount or a check)"
	}
	err := unix.Flock(int(handle.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", problem, moonfirefs.ErrStoreLocked)
	}
	return err
}

// lockRecorder takes the recorder's lock and leaves a line that says who holds
// it. The lock ends with the returned file, or with the process.
func lockRecorder(root *os.Root) (*os.File, error) {
	f, err := openRegular(root, lockName, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		// Not exclusively: another process may have just made it.
		f, err = root.OpenFile(lockName, os.O_RDWR|os.O_CREATE|unix.O_NONBLOCK, 0o600)
		if err == nil {
			err = durable.Adopt(root, f)
		}
	}
	if errors.Is(err, unix.EROFS) {
		return nil, fmt.Errorf("nothing can be recorded there: its file system is read-only, perhaps after an error of the disk: %w", err)
	}
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%s records to it: %w", holder(f), moonfirefs.ErrStoreLocked)
	}
	if err == nil {
		err = leaveHolder(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func leaveHolder(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	line := fmt.Sprintf("process %d on %s, since %s\n", os.Getpid(), host, time.Now().Format(time.RFC3339))
	// Over what is there, which a full disk has room for, before what is left is cut.
	if _, err = f.WriteAt([]byte(line), 0); err == nil {
		err = f.Truncate(int64(len(line)))
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil // the lock counts, not the line
	}
	return err
}

func holder(f *os.File) string {
	line := make([]byte, 256)
	n, err := f.ReadAt(line, 0)
	if text := strings.TrimSpace(string(line[:n])); text != "" && (err == nil || errors.Is(err, io.EOF)) {
		return text
	}
	return "another process"
}
