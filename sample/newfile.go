// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// NewFile is a sample file that is not a recording yet, or its journal, open for
// writing. Unlike a File, it is its user's alone.
type NewFile struct {
	*os.File
	counters *Counters
	// publish has the file appear where it belongs, which is not on this machine; nil for one
	// that is.
	publish func(*os.File) error
	// preallocates says that Preallocate is of use; preallocated that there may be more blocks
	// than the content needs.
	preallocates, preallocated bool
}

// Create makes a new sample file, opened for appending: what is written after a
// truncation follows what is left. It fails if the file exists. The caller closes it.
func (d *Dir) Create(name uuid.UUID) (*NewFile, error) {
	if r := d.remote(); r != nil {
		return d.createIn(r, name)
	}
	f, err := d.createAt(name.String())
	if err != nil {
		return nil, fmt.Errorf("create sample file: %w", err)
	}
	return &NewFile{File: f, counters: &d.counters, preallocates: d.KeepsOrder()}, nil
}

// createIn is Create elsewhere: the file appears there with Sync.
func (d *Dir) createIn(r Remote, name uuid.UUID) (*NewFile, error) {
	f, err := r.Spool()
	if err != nil {
		return nil, fmt.Errorf("create sample file: %w", err)
	}
	return &NewFile{File: f, counters: &d.counters, publish: func(spool *os.File) error { return r.Publish(name, spool) }}, nil
}

// Reopen opens a sample file for reading and writing, to complete what a crash
// has interrupted. A missing file is reported as fs.ErrNotExist. The caller
// closes it.
func (d *Dir) Reopen(name uuid.UUID) (*NewFile, error) {
	d.unseal(name)
	f, err := d.openAt(name.String(), os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("open sample file: %w", err)
	}
	return &NewFile{File: f, counters: &d.counters}, nil
}

// Preallocate sets blocks aside for a file that is going to have sizeBytes or so. They lie in one
// piece where the disk has one, while files that grow beside each other get theirs in turn. Seal
// gives back what was too much. It does nothing where that is not known to be of use, on file
// systems other than ext4 and XFS, and where it fails: the file then grows as it is written.
func (f *NewFile) Preallocate(sizeBytes int64) {
	if !f.preallocates || sizeBytes <= 0 {
		return
	}
	f.preallocated = true
	_ = f.control(func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, sizeBytes) })
}

// giveBack frees the blocks behind the content, which a truncation to the size that a file has
// does on ext4 and XFS. They stay the file's if it fails, which does no more harm.
func (f *NewFile) giveBack() {
	if !f.preallocated {
		return
	}
	if info, err := f.Stat(); err == nil {
		_ = f.Truncate(info.Size())
	}
}

// Sync makes the whole file durable, and seals it: it is complete from now on.
func (f *NewFile) Sync() error {
	if f.publish != nil {
		return f.counters.FileSyncs.Time(func() error { return f.publish(f.File) })
	}
	f.Seal()
	return f.counters.FileSyncs.Time(f.File.Sync)
}

// Datasync makes the content written so far durable, and the size that it needs,
// but not the file's times.
func (f *NewFile) Datasync() error {
	err := f.counters.Datasyncs.Time(func() error { return f.control(fdatasync) })
	if err != nil {
		return fmt.Errorf("fdatasync %s: %w", f.Name(), err)
	}
	return nil
}

func fdatasync(fd int) error {
	for {
		if err := unix.Fdatasync(fd); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// control calls fn with the descriptor, and keeps other goroutines from closing
// it meanwhile.
func (f *NewFile) control(fn func(fd int) error) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := connection.Control(func(fd uintptr) { result = fn(int(fd)) }); err != nil {
		return os.ErrClosed // there is no other reason, and it says so in its own way
	}
	return result
}
