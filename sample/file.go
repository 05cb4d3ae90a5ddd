// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
)

// diskFile is a File, and may be a GrowingFile.
type diskFile struct {
	name      uuid.UUID
	file      *os.File
	sizeBytes int64
	cache     *cache

	// refs counts the users; idleSince is when there was the last one. See
	// cache.mu.
	refs      int
	idleSince time.Time
}

// Open returns the sample file for reading, from the cache if it is open
// already. The caller releases it. The error wraps moonfirefs.ErrCorrupt if the
// file is not of the given size: serving it would end in a short read, which the
// kernel takes for the end of the whole virtual file.
func (d *Dir) Open(name uuid.UUID, sizeBytes int64) (File, error) {
	if r, err := d.readable(); err != nil {
		return nil, fmt.Errorf("open sample file %s: %w", name, err)
	} else if r != nil {
		d.counters.Opens.Add(1)
		return r.Open(name, sizeBytes)
	}
	hit := true
	f, err := d.cache.get(name, func(name uuid.UUID) (*diskFile, error) {
		hit = false
		return d.openFile(name)
	})
	d.counters.Opens.Add(1)
	if hit {
		d.counters.OpenHits.Add(1)
	}
	if err != nil {
		return nil, err
	}
	if f.sizeBytes != sizeBytes {
		f.Release()
		return nil, fmt.Errorf("open sample file %s: it has %d bytes instead of %d: %w",
			name, f.sizeBytes, sizeBytes, moonfirefs.ErrCorrupt)
	}
	return f, nil
}

func (d *Dir) openFile(name uuid.UUID) (*diskFile, error) {
	file, err := d.openAt(d.fileName(name), os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("open sample file: %w", d.missing(name, err))
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sample file: %w", err), file.Close())
	}
	return &diskFile{name: name, file: file, sizeBytes: info.Size(), cache: &d.cache}, nil
}

// Fd implements File.
func (f *diskFile) Fd(int64, int) (fd uintptr, ok bool, err error) { return f.file.Fd(), true, nil }

// ReadAt implements File.
func (f *diskFile) ReadAt(p []byte, offset int64) error {
	n, err := f.file.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("it ends early: %w", moonfirefs.ErrCorrupt)
	}
	return fmt.Errorf("read sample file %s at %d: %w", f.name, offset, err)
}

// adviceBytes is what every disk takes at once. The kernel reads no more for one piece of advice
// than a disk's read-ahead, which is 128 KiB unless somebody has changed it, or its largest
// request, and forgets about the rest (Linux mm/readahead.c, force_page_cache_ra).
const adviceBytes = 128 << 10

// WillNeed has the disk read n bytes at an offset that will be asked for soon. It does not
// wait for them.
func (f *diskFile) WillNeed(offset, n int64) { Advise(f.file, offset, n) }

// Advise has the disk read n bytes of a file that will be asked for soon. It does not wait for
// them.
func Advise(f *os.File, offset, n int64) {
	for end := offset + n; offset < end; offset += adviceBytes {
		_ = unix.Fadvise(int(f.Fd()), offset, min(adviceBytes, end-offset), unix.FADV_WILLNEED) // advice and nothing more
	}
}

// Release gives the file back to the cache.
func (f *diskFile) Release() { f.cache.release(f) }

// Hold keeps the named files readable, even once unlinked, until release is
// called; release is idempotent.
//
// A process that records keeps a held file open when it unlinks it. Another
// process cannot know when that happens: a ReadOnly Dir opens the files now, and
// fails if one is gone.
//
// What is kept elsewhere cannot be kept open: a process that records does not unlink it
// before (ErrHeld), and another process gets an error when it reads what is gone.
//
// To be sure that nothing was unlinked just before the call, check afterwards
// that the index still has the recordings: rows go before files do.
func (d *Dir) Hold(names []uuid.UUID) (release func(), err error) {
	if r, err := d.readable(); err != nil {
		return nil, err
	} else if r != nil {
		return r.Hold(names), nil
	}
	return d.cache.hold(names, d.mode == ReadOnly, d.openFile)
}

// OpenGrowing returns a sample file for reading that may still be written to. Nobody else
// shares it: its size is that of now, and what is committed later has another. The caller
// releases it.
func (d *Dir) OpenGrowing(name uuid.UUID) (GrowingFile, error) {
	f, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	f.refs = 1
	return f, nil
}

// Reader implements GrowingFile.
func (f *diskFile) Reader() io.ReaderAt { return f.file }

// SizeBytes implements GrowingFile.
func (f *diskFile) SizeBytes() int64 { return f.sizeBytes }

// Use implements GrowingFile.
func (f *diskFile) Use() File {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	f.refs++
	return f
}
