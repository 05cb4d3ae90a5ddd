// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/status"
)

// What a program that backs up the footage leaves in the store, such as
// examples/moonfirefs-backup: the first is touched by each backup that succeeds, and the second
// is there, with the reason in it, from one that fails until one succeeds.
const (
	backupSucceededName = "backup.ok"
	backupFailedName    = "backup.failed"
)

// maxBackupError is how much of a reason is told.
const maxBackupError = 300

// readBackup returns nil if no backup has left anything.
func readBackup(storePath string) *status.Backup {
	succeeded, _ := modified(filepath.Join(storePath, backupSucceededName))
	failedPath := filepath.Join(storePath, backupFailedName)
	failed, isFile := modified(failedPath)
	if succeeded.IsZero() && failed.IsZero() {
		return nil
	}
	b := &status.Backup{Succeeded: jsonTime(succeeded)}
	if failed.IsZero() || failed.Before(succeeded) {
		return b
	}
	b.Failed = jsonTime(failed)
	if isFile {
		b.Error = firstLine(failedPath)
	}
	return b
}

// modified tells when a file was, and whether it is a regular one.
func modified(path string) (t time.Time, regular bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), info.Mode().IsRegular()
}

// firstLine is that of a small file, without a full stop. Whatever has been put in its place
// does not hold up a report.
func firstLine(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBackupError))
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	return strings.TrimSuffix(strings.ToValidUTF8(line, "?"), ".")
}
