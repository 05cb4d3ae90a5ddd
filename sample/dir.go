// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// ErrUnavailable is returned while a directory is not available: its disk is missing,
// or another one is in its place.
var ErrUnavailable = errors.New("the sample directory is not available")

// Identity says which store a directory belongs to, and which of its
// directories it is.
type Identity struct {
	Store, Dir uuid.UUID
}

// Mode says what a Dir may do.
type Mode int

// The modes of Open.
const (
	// ReadOnly allows reading, beside any number of other readers and one
	// recorder.
	ReadOnly Mode = iota
	// Recording allows everything. One process at a time.
	Recording
	// Repairing allows everything while no other process uses the directory, not
	// even for reading.
	Repairing
)

// Dir is a directory of sample files. It is safe for concurrent use.
type Dir struct {
	// where is nil while the directory is a spare one.
	where atomic.Pointer[location]
	mode  Mode
	// layout is nil for a directory of ours.
	layout *Layout

	// place is nil while the directory is not available.
	place atomic.Pointer[place]
	// keepsOrder is what KeepsOrder tells.
	keepsOrder atomic.Bool
	// kept is what keeps the files of a directory elsewhere; nil before it is used.
	kept atomic.Pointer[Remote]
	// keeping guards the making of kept, and ended, which says that there will be none.
	keeping sync.Mutex
	ended   bool

	// attempts are those of Attach.
	attempts attempts

	attaching sync.Mutex // guards what follows
	closed    bool
	// lock is the recorder's lock; nil if there is none.
	lock *os.File

	cache    cache
	counters Counters
}

// location is what is known of a directory beforehand.
type location struct {
	path string
	id   Identity
}

// place is where an available directory is.
type place struct {
	// Root resolves names relative to the directory that was verified, even if
	// something else is mounted over its path later.
	*os.Root
	// handle is the directory itself, for fsync and the shared lock.
	handle *os.File
	// remote keeps the files of a directory elsewhere, which has neither of the two; nil for
	// a disk.
	remote Remote
}

func (p *place) Close() error {
	if p.remote != nil {
		return nil // it is kept for the next Attach
	}
	return errors.Join(p.handle.Close(), p.Root.Close())
}

// Create makes the directory path, if need be, and marks an empty one as ours.
func Create(path string, id Identity) error {
	return CreateFor(path, id, durable.Owner{UID: os.Geteuid(), GID: os.Getegid()})
}

// CreateFor is Create for an owner, to whom the directory belongs if root makes it, and so
// does all that root makes in it. If it fails, it leaves no directory that it has made.
func CreateFor(path string, id Identity, owner durable.Owner) error {
	missing := durable.MissingOf(path)
	err := createFor(path, id, owner)
	if err != nil {
		missing.Remove()
	}
	return err
}

// CheckNew returns an error that wraps moonfirefs.ErrInvalid where Create would refuse the
// directory path, since it is not empty or within another sample directory. It changes nothing.
func CheckNew(path string) error {
	if err := requireOutside(path); err != nil {
		return err
	}
	if err := requireEmpty(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// requireOutside refuses a directory within a sample directory.
func requireOutside(path string) error {
	outer, found, err := Enclosing(filepath.Dir(filepath.Clean(path)))
	if found {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "create sample directory %s: it would be in the sample directory %s", path, outer)
	}
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	return nil
}

func createFor(path string, id Identity, owner durable.Owner) error {
	if err := requireOutside(path); err != nil {
		return err
	}
	if err := durable.MkdirAll(path, owner); err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	if err := requireEmpty(path); err != nil {
		return err
	}
	err := durable.RequireEntry(path, owner)
	if err == nil {
		err = durable.Give(path, owner)
	}
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	defer root.Close()
	if err := writeMeta(root, &metaFile{Store: id.Store, Dir: id.Dir}, 0); err != nil {
		return fmt.Errorf("create sample directory %s: %w", path, err)
	}
	return durable.SyncDir(filepath.Dir(path))
}

func requireEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "lost+found" { // the root of an ext4 file system has it
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "create sample directory %s: it is not empty", path)
		}
	}
	return nil
}

// New returns a directory that is not available before Attach.
func New(path string, id Identity, mode Mode) *Dir {
	d := NewSpare(mode)
	d.Assign(path, id)
	return d
}

// NewSpare returns a directory of which nothing is known before Assign: maps of directories
// need not change while others read them.
func NewSpare(mode Mode) *Dir {
	d := &Dir{mode: mode}
	d.cache.init()
	return d
}

// Assign says where a spare directory is, once and for all.
func (d *Dir) Assign(path string, id Identity) { d.where.CompareAndSwap(nil, &location{path, id}) }

// Spare tells whether nothing is known of the directory yet.
func (d *Dir) Spare() bool { return d.where.Load() == nil }

func (d *Dir) identity() Identity {
	if l := d.where.Load(); l != nil {
		return l.id
	}
	return Identity{}
}

// Available tells whether the directory can be read.
func (d *Dir) Available() bool { return d.place.Load() != nil }

// at returns where the directory is on a disk, or an error that wraps ErrUnavailable.
func (d *Dir) at() (*place, error) {
	if p := d.place.Load(); p != nil {
		if p.remote != nil {
			return nil, errNotThere
		}
		return p, nil
	}
	return nil, fmt.Errorf("%s: %w", d.Path(), ErrUnavailable)
}

// openAt opens a file that is there; see openRegular.
func (d *Dir) openAt(name string, flag int) (*os.File, error) {
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	return openRegular(p.Root, name, flag)
}

// createAt makes a file for appending; it fails if there is one of the name.
func (d *Dir) createAt(name string) (*os.File, error) {
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	f, err := p.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := durable.Adopt(p.Root, f); err != nil {
		return nil, errors.Join(err, f.Close(), p.Remove(name))
	}
	return f, nil
}

// openSelf opens the directory, for reading what is in it.
func (d *Dir) openSelf() (*os.File, error) {
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	return p.Open(".")
}

// lstatAt and removeAt are os.Lstat and os.Remove in the directory.

func (d *Dir) lstatAt(name string) (os.FileInfo, error) {
	p, err := d.at()
	if err != nil {
		return nil, err
	}
	return p.Lstat(name)
}

func (d *Dir) removeAt(name string) error {
	p, err := d.at()
	if err != nil {
		return err
	}
	return p.Remove(name)
}

// Close closes every file and gives up the locks. It is idempotent. Where the disk does not
// answer an Attach, that is done once it does.
func (d *Dir) Close() error {
	if answered := d.attempts.unanswered(); answered != nil {
		go func() {
			<-answered
			_ = d.close() // nobody is left to hear of it
		}()
		return nil
	}
	return d.close()
}

func (d *Dir) close() error {
	d.attaching.Lock()
	defer d.attaching.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	errs := []error{d.cache.close()}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	if p := d.place.Load(); p != nil {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, d.closeKept())...)
}

// Path returns the directory's path, as given to New or Assign; it is empty before. Of a URL,
// it is the part that tells where the directory is.
func (d *Dir) Path() string {
	if l := d.where.Load(); l != nil {
		return ShownPath(l.path)
	}
	return ""
}

// ShownPath is the path of a directory as people see it: a URL without its query.
func ShownPath(path string) string {
	if IsRemote(path) {
		path, _, _ = strings.Cut(path, "?")
	}
	return path
}

// Unlink removes a sample file, and its journal if it has one. A missing file is
// reported as fs.ErrNotExist. What this process holds (see Hold) stays readable.
func (d *Dir) Unlink(name uuid.UUID) error {
	if r := d.remote(); r != nil {
		return r.Unlink(name)
	}
	// First, so that nobody salvages what is to go, or takes it for forgotten.
	d.unseal(name)
	if err := d.UnlinkJournal(name); err != nil {
		return err
	}
	d.cache.keepIfHeld(name, d.openFile)
	if err := d.removeAt(name.String()); err != nil {
		return fmt.Errorf("unlink sample file: %w", err)
	}
	d.cache.forget(name)
	return nil
}

// Sync makes all creations and removals so far durable.
func (d *Dir) Sync() error {
	if r := d.remote(); r != nil {
		return d.counters.DirSyncs.Time(r.Sync)
	}
	p, err := d.at()
	if err == nil {
		err = d.counters.DirSyncs.Time(p.handle.Sync)
	}
	if err != nil {
		return fmt.Errorf("sync sample directory %s: %w", d.Path(), err)
	}
	return nil
}

// List returns the names of all sample files, in no order. Files that are not
// named by a UUID are passed over.
func (d *Dir) List() (names []uuid.UUID, err error) {
	err = d.EachBatch(func(batch []uuid.UUID) error {
		names = append(names, batch...)
		return nil
	})
	return names, err
}

// Space is the state of the file system that holds a directory.
type Space struct {
	// Unbounded says that there is as much room as anybody wants, so that all else is 0.
	Unbounded                           bool
	BlockSizeBytes                      int64
	Blocks, BlocksFree, BlocksAvailable uint64
	Files, FilesFree                    uint64
}

// AvailableBytes is what can still be written by this process.
func (s Space) AvailableBytes() int64 {
	if s.Unbounded {
		return math.MaxInt64
	}
	return int64(s.BlocksAvailable) * s.BlockSizeBytes
}

// TotalBytes is how large the file system is; 0 if Unbounded.
func (s Space) TotalBytes() int64 { return int64(s.Blocks) * s.BlockSizeBytes }

// statfs keeps the handle from being closed meanwhile.
func (p *place) statfs(st *unix.Statfs_t) error {
	connection, err := p.handle.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = connection.Control(func(fd uintptr) { result = unix.Fstatfs(int(fd), st) })
	return errors.Join(err, result)
}

// Space asks the file system. Of a directory elsewhere, it finds out whether that answers.
func (d *Dir) Space() (Space, error) {
	if r := d.remote(); r != nil {
		_, err := r.ReadMeta()
		return Space{Unbounded: true}, err
	}
	var st unix.Statfs_t
	p, err := d.at()
	if err == nil {
		err = p.statfs(&st)
	}
	if err != nil {
		return Space{}, fmt.Errorf("statfs %s: %w", d.Path(), err)
	}
	return Space{
		BlockSizeBytes: int64(st.Bsize), //nolint:unconvert // 32 bits wide on some machines
		Blocks:         st.Blocks, BlocksFree: st.Bfree, BlocksAvailable: st.Bavail,
		Files: st.Files, FilesFree: st.Ffree,
	}, nil
}
