// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// KeepsOrder tells whether files of the directory can be made durable together: with
// NewFile.AwaitWriting for each of them, and then NewFile.Barrier for one, which is one
// flush of the disk instead of one for each file. It says no where that is not known for
// certain, and for a directory that nothing is recorded to.
//
// It is known of ext4 with a journal, and of XFS. Both keep one log of all changes of
// metadata, and it becomes durable in its order: fsync of a file that was changed last makes
// durable what was changed before, whichever files that was of. What was written to a file
// is part of it in the end: its size and its extents are in the log before the kernel says
// that the data are written, and the log is made durable by a flush that follows the data.
func (d *Dir) KeepsOrder() bool { return d.keepsOrder.Load() }

// keepsOrder asks the file system of a directory; see Dir.KeepsOrder.
func keepsOrder(directory *os.File) bool {
	// Barrier sets the mode of a file, which only its owner may, who is that of the
	// directory; or root, unless root was told not to.
	if setSameMode(directory) != nil {
		return false
	}
	var fileSystem unix.Statfs_t
	if err := unix.Fstatfs(int(directory.Fd()), &fileSystem); err != nil {
		return false
	}
	switch fileSystem.Type {
	case unix.XFS_SUPER_MAGIC:
		return true
	case unix.EXT4_SUPER_MAGIC: // of ext2 and ext3 as well
		return hasJournal(directory)
	}
	return false
}

// hasJournal tells whether an ext4 file system has a journal: some do without, to spare
// flash.
func hasJournal(directory *os.File) bool {
	var stat unix.Stat_t
	if err := unix.Fstat(int(directory.Fd()), &stat); err != nil {
		return false
	}
	device := uint64(stat.Dev) //nolint:unconvert // 32 bits wide on some machines
	link, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(device), unix.Minor(device)))
	if err != nil {
		return false
	}
	// The number of the kernel's thread that commits the journal, or "<none>".
	task, err := os.ReadFile(filepath.Join("/sys/fs/ext4", filepath.Base(link), "journal_task"))
	text := strings.TrimSpace(string(task))
	return err == nil && text != "" && text != "<none>"
}

// setSameMode sets the mode that a file has: a change of the file that changes nothing.
func setSameMode(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return f.Chmod(info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
}

// StartWriting has the kernel begin to hand to the disk what was written so far. It does not
// wait, and does no harm where it fails.
func (f *NewFile) StartWriting() {
	_ = f.control(func(fd int) error { return unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE) })
}

// AwaitWriting hands to the disk what was written so far, and waits until the disk has it,
// perhaps in its cache only: nothing of it is durable before Barrier. Like Datasync, it
// reports an error of writing once.
func (f *NewFile) AwaitWriting() error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	err := f.control(func(fd int) error {
		for {
			if err := unix.SyncFileRange(fd, 0, 0, all); !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("sync_file_range %s: %w", f.Name(), err)
	}
	return nil
}

// Seal marks the file as complete, which is durable after Barrier.
func (f *NewFile) Seal() {
	f.giveBack()
	_ = f.Chmod(sealedMode) // as far as the file system has modes
}

// Unseal undoes Seal, for a file that is given up.
func (f *NewFile) Unseal() { _ = f.Chmod(0o600) } // where that fails, it is kept for a person to look at

// Barrier makes durable all that was awaited before, of any file in the directory, and all
// that was created, removed or sealed there before. The directory must be one that
// KeepsOrder. Where it fails, none of that is to be believed.
func (f *NewFile) Barrier() error {
	// A change, though of nothing: so this file is the one that was changed last, and its
	// fsync cannot find that there is nothing left to do.
	err := setSameMode(f.File)
	if err == nil {
		err = f.counters.Datasyncs.Time(f.File.Sync)
	}
	if err != nil {
		return fmt.Errorf("make files durable together: %w", err)
	}
	return nil
}
