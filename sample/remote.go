// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Remote keeps the sample files of a Dir elsewhere than in a directory of this machine, such
// as in a bucket. A Dir asks it what it would ask a file system. It is safe for concurrent
// use, and each call ends within a time of its own, whatever becomes of the other side.
//
// Recordings are not made there: their files come whole, when they move to a tier.
type Remote interface {
	// String tells people where it is.
	String() string
	// ReadMeta returns the file that marks the place as ours. It may be what the other side
	// answered a minute ago, unless something has failed since. The error wraps
	// fs.ErrNotExist if there is none.
	ReadMeta() ([]byte, error)
	// WriteMeta replaces that file, or, if it is to be new, fails with fs.ErrExist where
	// there is one.
	WriteMeta(data []byte, isNew bool) error
	// Spool returns a file without a name in which a sample file is gathered. The caller
	// closes it.
	Spool() (*os.File, error)
	// Publish makes a sample file of what has been gathered: durably, and whole or not at
	// all. The error wraps fs.ErrExist if there is another file of that name.
	Publish(name uuid.UUID, spool *os.File) error
	// Open is that of Directory. It may leave it to File.ReadAt to find out whether the file
	// is there and of that size.
	Open(name uuid.UUID, sizeBytes int64) (File, error)
	// Hold has Unlink refuse these files, with ErrHeld, until release is called.
	Hold(names []uuid.UUID) (release func())
	// Unlink removes a file by the next Sync at the latest. One that is missing is no error.
	Unlink(name uuid.UUID) error
	// Sync carries out what Unlink has promised.
	Sync() error
	// Stat looks at a file. The error wraps fs.ErrNotExist if there is none.
	Stat(name uuid.UUID) (Info, error)
	// EachBatch calls fn for all files that are named by a UUID, with their sizes.
	EachBatch(fn func([]Listed) error) error
	// ReadThrough writes a whole file to w, past all caches.
	ReadThrough(ctx context.Context, name uuid.UUID, w io.Writer) (sizeBytes int64, err error)
	// StoredSHA256 is the SHA-256 that the other side has of a file, which is not read for
	// that. It is zero if there is none.
	StoredSHA256(ctx context.Context, name uuid.UUID) ([sha256.Size]byte, error)
	// MoveAside moves a file out of the way, durably, and tells where it is. It never replaces
	// one. The error wraps fs.ErrNotExist if there is no such file.
	MoveAside(name uuid.UUID) (path string, err error)
	// NoteAside keeps a file that explains one that is set aside, beside it, durably.
	NoteAside(name string, data []byte) error
	// Empty tells whether there is nothing but the file that marks the place.
	Empty() (bool, error)
	// Forget removes that file.
	Forget() error
	// Counters returns the counters themselves: they go on counting.
	Counters() *RemoteCounters
	// CacheBytes is what its cache takes of a disk of this machine.
	CacheBytes() int64
	// Hurry has all calls end soon, also those under way: the program ends.
	Hurry()
	Close() error
}

// Listed is a sample file in a listing.
type Listed struct {
	Name      uuid.UUID
	SizeBytes int64
}

var (
	// ErrHeld is returned when a sample file cannot be unlinked yet, since somebody reads it.
	ErrHeld = errors.New("the sample file is being read")
	// errNoRemote is returned by a program that knows no other places than disks.
	errNoRemote = errors.New("this program cannot read it: it was built without support for buckets")
	// errNotThere is returned where something is asked of a Remote that only a disk can do.
	errNotThere = fmt.Errorf("footage cannot be recorded there, it can only move there: %w", errors.ErrUnsupported)
)

// openRemote makes a Remote of its URL, without any I/O; nil where there is no support.
var openRemote atomic.Pointer[func(url string) (Remote, error)]

// RegisterRemote has directories whose paths are URLs kept by what open returns, which does
// no I/O. It is called before any store is opened; the last call counts.
func RegisterRemote(open func(url string) (Remote, error)) { openRemote.Store(&open) }

// IsRemote tells whether the path of a directory is that of a Remote.
func IsRemote(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

// NewRemote returns the Remote of a URL. The error wraps moonfirefs.ErrInvalid if that is
// none.
func NewRemote(url string) (Remote, error) {
	open := openRemote.Load()
	if open == nil {
		return nil, errNoRemote
	}
	return (*open)(url)
}

// CheckNewRemote returns the error that CreateRemote would, and changes nothing.
func CheckNewRemote(r Remote) error {
	if err := requireEmptyRemote(r); err != nil {
		return err
	}
	_, err := r.ReadMeta()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("create sample directory %s: %w", r, err)
	}
	return errMarked(r)
}

func requireEmptyRemote(r Remote) error {
	empty, err := r.Empty()
	if err != nil {
		return fmt.Errorf("create sample directory %s: %w", r, err)
	}
	if !empty {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "create sample directory %s: it is not empty", r)
	}
	return nil
}

func errMarked(r Remote) error {
	return moonfirefs.Errorf(moonfirefs.ErrInvalid, "create sample directory %s: it is one already", r)
}

// CreateRemote marks an empty place as ours. The error wraps moonfirefs.ErrInvalid if it is
// not empty.
func CreateRemote(r Remote, id Identity) error {
	if err := requireEmptyRemote(r); err != nil {
		return err
	}
	data, err := encodeMeta(&metaFile{Store: id.Store, Dir: id.Dir})
	if err == nil {
		err = r.WriteMeta(data, true)
	}
	if errors.Is(err, fs.ErrExist) {
		return errMarked(r)
	}
	if err != nil {
		return fmt.Errorf("create sample directory %s: %w", r, err)
	}
	return nil
}

// RequireEmpty fails if a directory elsewhere has files. The error wraps
// moonfirefs.ErrInvalid then.
func (d *Dir) RequireEmpty() error {
	r := d.remote()
	if r == nil {
		return fmt.Errorf("%s: %w", d.Path(), ErrUnavailable)
	}
	empty, err := r.Empty()
	if err == nil && !empty {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "sample directory %s is not empty", d.Path())
	}
	return err
}

// Unmark has a directory elsewhere be nobody's. It does nothing if it is not available.
func (d *Dir) Unmark() error {
	if r := d.remote(); r != nil {
		return r.Forget()
	}
	return nil
}

// Hurry has what is asked of a directory elsewhere end soon, whether it answers or not: the
// program ends.
func (d *Dir) Hurry() {
	if kept := d.kept.Load(); kept != nil {
		(*kept).Hurry()
	}
}

// Remote tells whether the directory is elsewhere than on a disk of this machine.
func (d *Dir) Remote() bool {
	l := d.where.Load()
	return l != nil && IsRemote(l.path)
}

// remote returns that of a directory that is available and elsewhere, or nil.
func (d *Dir) remote() Remote {
	if p := d.place.Load(); p != nil {
		return p.remote
	}
	return nil
}

// openRemotePlace verifies the place. It is called with d.attaching held.
func (d *Dir) openRemotePlace() (*place, error) {
	r, err := d.keep()
	if err != nil {
		return nil, err
	}
	// Who only reads asks for names that nothing else has: nobody waits for that.
	if d.mode != ReadOnly {
		if err := verifyRemote(r, d.identity()); err != nil {
			return nil, err
		}
	}
	return &place{remote: r}, nil
}

// keep returns the Remote, which it makes if need be.
func (d *Dir) keep() (Remote, error) {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	if kept := d.kept.Load(); kept != nil {
		return *kept, nil
	}
	if d.ended {
		return nil, errClosed
	}
	r, err := NewRemote(d.where.Load().path)
	if err == nil {
		d.kept.Store(&r)
	}
	return r, err
}

// closeKept closes the Remote, and has keep make none any more.
func (d *Dir) closeKept() error {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	d.ended = true
	if kept := d.kept.Load(); kept != nil {
		return (*kept).Close()
	}
	return nil
}

// readable returns what a directory elsewhere is read from, whether it has answered yet or not:
// a reader waits for its bytes, within the limits of the Remote, and asks for names that nothing
// else has. It is nil for a disk.
func (d *Dir) readable() (Remote, error) {
	if !d.Remote() {
		return nil, nil
	}
	return d.keep()
}

func verifyRemote(r Remote, id Identity) error {
	meta, err := readRemoteMeta(r)
	if err != nil {
		return err
	}
	return meta.verify(id)
}

func readRemoteMeta(r Remote) (*metaFile, error) {
	data, err := r.ReadMeta()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no object %q: %w", metaName, moonfirefs.ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	return decodeMeta(data)
}

// verifyPresence finds out whether a place is still ours. What does not answer may be back
// at any moment, and what is in a cache can be read until then: it is not gone.
func (d *Dir) verifyPresence(r Remote) error {
	err := verifyRemote(r, d.identity())
	if errors.Is(err, moonfirefs.ErrForeign) {
		return d.unavailable(err.Error())
	}
	return err
}

// eachBatch is EachBatch of a Remote.
func eachBatch(r Remote, fn func([]uuid.UUID) error) error {
	err := r.EachBatch(func(batch []Listed) error {
		names := make([]uuid.UUID, len(batch))
		for i, f := range batch {
			names[i] = f.Name
		}
		return fn(names)
	})
	if err != nil {
		return fmt.Errorf("list sample files: %w", err)
	}
	return nil
}

// Sizes lists the sample files of a directory elsewhere, where to look at each of them would
// take a request.
func (d *Dir) Sizes() (map[uuid.UUID]int64, error) {
	r := d.remote()
	if r == nil {
		return nil, fmt.Errorf("list sample files: %s: %w", d.Path(), ErrUnavailable)
	}
	sizes := make(map[uuid.UUID]int64)
	err := r.EachBatch(func(batch []Listed) error {
		for _, f := range batch {
			sizes[f.Name] = f.SizeBytes
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sample files: %w", err)
	}
	return sizes, nil
}
