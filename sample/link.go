// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// ErrNoLink is returned where a file cannot have a second name in a directory: it is on
// another file system, or on one that has no hard links, or the rights do not allow it.
var ErrNoLink = errors.New("no hard link can be made")

// Linkable tells whether a file of another directory can probably have a second name here:
// both are on one file system. Link knows for sure.
func (d *Dir) Linkable(from *Dir) bool {
	p, err := d.at()
	q, err2 := from.at()
	if err != nil || err2 != nil {
		return false
	}
	one, err := p.handle.Stat()
	other, err2 := q.handle.Stat()
	return err == nil && err2 == nil && one.Sys().(*syscall.Stat_t).Dev == other.Sys().(*syscall.Stat_t).Dev
}

// Link makes a sample file of another directory, where it stays, one of this directory as
// well, by a hard link. Nothing of the file itself changes. The name must be reserved: what
// a crash has left under it is replaced. The link is durable after Sync.
//
// The error wraps ErrNoLink where another way must be found, moonfirefs.ErrCorrupt if the file
// is not of that size, and is that of from.Open if there is none.
func (d *Dir) Link(name uuid.UUID, from *Dir, original uuid.UUID, sizeBytes int64) error {
	if err := d.link(name, from, original, sizeBytes); err != nil {
		return fmt.Errorf("link sample file %s: %w", from.fileName(original), err)
	}
	return nil
}

func (d *Dir) link(name uuid.UUID, from *Dir, original uuid.UUID, sizeBytes int64) error {
	p, err := d.at()
	if err != nil {
		return err
	}
	q, err := from.at()
	if err != nil {
		return err
	}
	info, err := q.Lstat(from.fileName(original))
	switch {
	case err != nil:
		return from.missing(original, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is not a regular file: %w", moonfirefs.ErrCorrupt)
	case info.Size() != sizeBytes:
		return fmt.Errorf("it has %d bytes instead of %d: %w", info.Size(), sizeBytes, moonfirefs.ErrCorrupt)
	}
	if err := requireReadable(p, info); err != nil {
		return err
	}
	for range 2 {
		err = linkAt(q, from.fileName(original), p, name.String())
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if there, err := p.Lstat(name.String()); err == nil && os.SameFile(there, info) {
			return nil
		}
		if err := d.Unlink(name); err != nil {
			return err
		}
	}
	return from.missing(original, asNoLink(err))
}

// requireReadable refuses a file that the owner of the directory p could not read, for a
// link has the owner and the mode of the file.
func requireReadable(p *place, info fs.FileInfo) error {
	dir, err := p.handle.Stat()
	if err != nil {
		return err
	}
	reader, file := dir.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	const group, others = 0o040, 0o004
	if reader.Uid == 0 || reader.Uid == file.Uid || info.Mode()&others != 0 || info.Mode()&group != 0 && reader.Gid == file.Gid {
		return nil
	}
	return fmt.Errorf("%w: it belongs to %s, and %s, to whom the store belongs, could not read it",
		ErrNoLink, durable.Owner{UID: int(file.Uid)}.User(), durable.Owner{UID: int(reader.Uid)}.User())
}

func linkAt(from *place, original string, to *place, name string) error {
	source, err := from.handle.SyscallConn()
	if err != nil {
		return err
	}
	target, err := to.handle.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	var failed error
	err = source.Control(func(oldDir uintptr) {
		result = target.Control(func(newDir uintptr) {
			// Not through a symbolic link.
			failed = unix.Linkat(int(oldDir), original, int(newDir), name, 0)
		})
	})
	return errors.Join(err, result, failed)
}

// asNoLink makes of an error what it means.
func asNoLink(err error) error {
	for _, e := range []error{unix.EXDEV, unix.EPERM, unix.EMLINK, unix.ENOSYS, unix.EOPNOTSUPP} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrNoLink, err)
		}
	}
	return err
}

// CopyFrom makes a copy of a sample file of another directory, durable but for its name, and
// writes to w, too, what it has read. The name must be reserved: what a crash has left under it is
// replaced. The copy is not sealed; see Seal.
func (d *Dir) CopyFrom(ctx context.Context, name uuid.UUID, from *Dir, original uuid.UUID, w io.Writer) (sizeBytes int64, err error) {
	source, err := from.openAt(from.fileName(original), os.O_RDONLY)
	if err != nil {
		return 0, fmt.Errorf("copy sample file %s: %w", from.fileName(original), from.missing(original, err))
	}
	defer source.Close()
	if err := d.Unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	target, err := d.Create(name)
	if err != nil {
		return 0, err
	}
	sizeBytes, err = readThrough(ctx, source, name, io.MultiWriter(target, w))
	if err == nil {
		err = failpoint.Step("copy.sync", func() error { return d.counters.FileSyncs.Time(target.File.Sync) })
	}
	if err = errors.Join(err, target.Close()); err != nil {
		return sizeBytes, errors.Join(fmt.Errorf("copy sample file %s: %w", from.fileName(original), err), d.Unlink(name))
	}
	return sizeBytes, nil
}
