// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// Info is what the file system says of a sample file, without opening it.
type Info struct {
	SizeBytes int64
	// Regular says that it is a file: not a folder, a link or a device.
	Regular bool
}

// Stat looks at a sample file. A missing file is reported as fs.ErrNotExist.
func (d *Dir) Stat(name uuid.UUID) (Info, error) {
	if r := d.remote(); r != nil {
		return r.Stat(name)
	}
	info, err := d.lstatAt(name.String())
	if err != nil {
		return Info{}, fmt.Errorf("stat sample file: %w", err)
	}
	return Info{SizeBytes: info.Size(), Regular: info.Mode().IsRegular()}, nil
}

// listBatch is how many names EachBatch reads at a time.
const listBatch = 1024

// EachBatch calls fn for the names of all sample files, some at a time and in no
// order. A file that is created or removed meanwhile may be among them or not.
func (d *Dir) EachBatch(fn func([]uuid.UUID) error) error {
	if r := d.remote(); r != nil {
		return eachBatch(r, fn)
	}
	// A handle of its own: reading moves the handle's position.
	handle, err := d.openSelf()
	if err != nil {
		return fmt.Errorf("list sample files: %w", err)
	}
	defer handle.Close()
	for {
		entries, err := handle.Readdirnames(listBatch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list sample files: %w", err)
		}
		names := make([]uuid.UUID, 0, len(entries))
		for _, entry := range entries {
			if name, ok := parseName(entry); ok {
				names = append(names, name)
			}
		}
		if err := fn(names); err != nil {
			return err
		}
	}
}

// parseName takes the canonical form only: uuid.Parse would take braces and URNs
// too.
func parseName(entry string) (uuid.UUID, bool) {
	name, err := uuid.Parse(entry)
	return name, err == nil && name.String() == entry
}

// readThroughBytes is the size of the reads of ReadThrough.
const readThroughBytes = 1 << 20

// ReadThrough writes a whole sample file to w, once and from its beginning, and
// returns its size. It leaves the cache of open files alone and asks the kernel
// to forget the file's pages, so that reading terabytes does not push out what
// others read. A missing file is reported as fs.ErrNotExist.
func (d *Dir) ReadThrough(ctx context.Context, name uuid.UUID, w io.Writer) (sizeBytes int64, err error) {
	if r := d.remote(); r != nil {
		return r.ReadThrough(ctx, name, w)
	}
	f, err := d.openAt(name.String(), os.O_RDONLY)
	if err != nil {
		return 0, fmt.Errorf("open sample file: %w", err)
	}
	defer f.Close()
	return readThrough(ctx, f, name, w)
}

// StoredSHA256 is the SHA-256 of a sample file that the object store has, for a directory in a
// bucket. It is zero if there is none, and of other directories. A missing file is reported as
// fs.ErrNotExist.
func (d *Dir) StoredSHA256(ctx context.Context, name uuid.UUID) ([sha256.Size]byte, error) {
	if r := d.remote(); r != nil {
		return r.StoredSHA256(ctx, name)
	}
	return [sha256.Size]byte{}, nil
}

// ReadBack is ReadThrough for a file that was made durable just now, which it has the kernel
// read from the disk: from memory, it would be what was written, whatever the disk has.
func (d *Dir) ReadBack(ctx context.Context, name uuid.UUID, w io.Writer) (sizeBytes int64, err error) {
	if r := d.remote(); r != nil {
		return r.ReadThrough(ctx, name, w)
	}
	f, err := d.openAt(name.String(), os.O_RDONLY)
	if err != nil {
		return 0, fmt.Errorf("open sample file: %w", err)
	}
	defer f.Close()
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // a kernel that does not takes longer to notice
	return readThrough(ctx, f, name, w)
}

func readThrough(ctx context.Context, f *os.File, name uuid.UUID, w io.Writer) (sizeBytes int64, err error) {
	// Advice: whether it is taken changes nothing but speed.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_SEQUENTIAL)
	defer func() { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }()
	buffer := make([]byte, readThroughBytes)
	for {
		if err := ctx.Err(); err != nil {
			return sizeBytes, err
		}
		n, err := f.Read(buffer)
		sizeBytes += int64(n)
		if _, err := w.Write(buffer[:n]); err != nil {
			return sizeBytes, err
		}
		if errors.Is(err, io.EOF) {
			return sizeBytes, nil
		}
		if err != nil {
			return sizeBytes, fmt.Errorf("read sample file %s at %d: %w", name, sizeBytes, err)
		}
	}
}
