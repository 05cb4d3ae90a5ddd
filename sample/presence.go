// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Verify finds out whether the open directory is still the one at its path, by device,
// inode and its file meta. It fails with an error that wraps ErrUnavailable if it is
// not: its disk was unmounted, perhaps lazily, or replaced, or a folder was renamed. Any
// other error says that this could not be found out. It may wait for a disk.
func (d *Dir) Verify() error {
	if r := d.remote(); r != nil {
		return d.verifyPresence(r)
	}
	p, err := d.at()
	if err != nil {
		return err
	}
	here, err := p.handle.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(d.Path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.unavailable("there is nothing at its path any more")
	case err != nil:
		return err
	case !os.SameFile(here, there):
		return d.unavailable("another directory is at its path")
	}
	return d.verifyMeta(p)
}

// verifyMeta notices another disk that has the device number and the inode of ours. A
// file meta that is missing in both is somebody's slip, and no other disk.
func (d *Dir) verifyMeta(p *place) error {
	root, err := os.OpenRoot(d.Path() + "/.")
	if err != nil {
		return err
	}
	defer root.Close()
	if err := d.verify(root); err != nil && d.verify(p.Root) == nil {
		return d.unavailable("another directory is at its path: " + err.Error())
	}
	return nil
}

// Probe finds out whether the disk still takes anything, by making the line of the
// recorder's lock durable once more. It fails with an error that wraps ErrUnavailable if
// the disk is gone although it is mounted still. The directory must be open for recording.
func (d *Dir) Probe() error {
	if r := d.remote(); r != nil {
		return d.verifyPresence(r)
	}
	d.attaching.Lock()
	defer d.attaching.Unlock()
	if d.lock == nil {
		return nil
	}
	err := leaveHolder(d.lock)
	if err == nil {
		err = d.lock.Sync()
	}
	return d.lost(err)
}

// Detach lets go of the directory, so that its disk can be unmounted: it gives up the
// locks and closes what is open there, but for files that somebody is reading. Attach
// makes it available again. It does nothing if the directory is not available, or while its
// disk does not answer an Attach.
func (d *Dir) Detach() error {
	if d.attempts.unanswered() != nil {
		return nil
	}
	d.attaching.Lock()
	defer d.attaching.Unlock()
	p := d.place.Swap(nil)
	if p == nil {
		return nil
	}
	d.cache.forgetAll()
	d.keepsOrder.Store(false)
	var err error
	if d.lock != nil {
		err = d.lock.Close()
		d.lock = nil
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return fmt.Errorf("close sample directory %s: %w", d.Path(), err)
	}
	return nil
}

// lost makes an error of a disk that is gone one that wraps ErrUnavailable.
func (d *Dir) lost(err error) error {
	if IsLost(err) {
		return d.unavailable(err.Error())
	}
	return err
}

func (d *Dir) unavailable(why string) error { return &goneError{d.Path(), why} }

// goneError is an ErrUnavailable that says why.
type goneError struct{ path, why string }

func (e *goneError) Error() string        { return e.path + ": " + e.why }
func (e *goneError) Is(target error) bool { return target == ErrUnavailable }

// lostErrors are what a file system answers whose device, server or process is gone.
var lostErrors = []error{
	unix.EIO, unix.ENODEV, unix.ENXIO, unix.ENOTCONN, unix.ECONNABORTED, unix.ESTALE, unix.ESHUTDOWN, unix.EREMOTEIO, unix.EHOSTDOWN,
}

// IsLost tells whether an error may mean that a disk is gone. A healthy disk reports some
// of them too, for a block that cannot be read or written: Probe knows better.
func IsLost(err error) bool {
	return slices.ContainsFunc(lostErrors, func(lost error) bool { return errors.Is(err, lost) })
}
