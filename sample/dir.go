package sample

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/failpoint"
)

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

// Dir is an open directory of sample files. It is safe for concurrent use.
type Dir struct {
	path string
	mode Mode

	// root resolves names relative to the directory that was verified, even if
	// something else is mounted over its path later.
	root *os.Root
	// handle is the directory itself, for fsync and the shared lock.
	handle *os.File
	// lock is the recorder's lock; nil if ReadOnly.
	lock *os.File

	cache    cache
	counters Counters

	closeOnce sync.Once
	closeErr  error
}

// Create makes the directory path, if need be, and marks an empty one as ours.
func Create(path string, id Identity) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	if err := requireEmpty(path); err != nil {
		return err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	defer root.Close()
	if err := writeMeta(root, &metaFile{Store: id.Store, Dir: id.Dir}); err != nil {
		return fmt.Errorf("create sample directory %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func requireEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("create sample directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "lost+found" { // the root of an ext4 file system has it
			return fmt.Errorf("create sample directory %s: it is not empty: %w", path, moonfire.ErrInvalid)
		}
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens and locks the directory. It returns an error that wraps
// moonfire.ErrForeign if path is not the directory that id names, and
// moonfire.ErrStoreLocked, naming the holder, if another process excludes us.
func Open(path string, id Identity, mode Mode) (*Dir, error) {
	d := &Dir{path: path, mode: mode}
	if err := failpoint.Step("start.1", func() error { return d.open(id) }); err != nil {
		_ = d.Close() // the reason why it is useless matters more
		return nil, fmt.Errorf("open sample directory %s: %w", path, err)
	}
	return d, nil
}

func (d *Dir) open(id Identity) (err error) {
	d.cache.init()
	if d.root, err = os.OpenRoot(d.path); err != nil {
		return err
	}
	if d.handle, err = d.root.Open("."); err != nil {
		return err
	}
	if err := verify(d.root, id); err != nil {
		return err
	}
	if err := lockUse(d.handle, d.mode); err != nil {
		return err
	}
	if d.mode == Recording {
		d.lock, err = lockRecorder(d.root)
	}
	return err
}

// Close closes every file and gives up the locks. It is idempotent.
func (d *Dir) Close() error {
	d.closeOnce.Do(func() {
		errs := []error{d.cache.close()}
		if d.lock != nil {
			errs = append(errs, d.lock.Close())
		}
		if d.handle != nil {
			errs = append(errs, d.handle.Close())
		}
		if d.root != nil {
			errs = append(errs, d.root.Close())
		}
		d.closeErr = errors.Join(errs...)
	})
	return d.closeErr
}

// Path returns the directory's path, as given to Open.
func (d *Dir) Path() string { return d.path }

// Unlink removes a sample file, and its journal if it has one. A missing file is
// reported as fs.ErrNotExist. What this process holds (see Hold) stays readable.
func (d *Dir) Unlink(name uuid.UUID) error {
	// First, so that nobody salvages what is to go, or takes it for forgotten.
	d.unseal(name)
	if err := d.UnlinkJournal(name); err != nil {
		return err
	}
	d.cache.keepIfHeld(name, d.openFile)
	if err := d.root.Remove(name.String()); err != nil {
		return fmt.Errorf("unlink sample file: %w", err)
	}
	d.cache.forget(name)
	return nil
}

// Sync makes all creations and removals so far durable.
func (d *Dir) Sync() error {
	if err := d.counters.DirSyncs.Time(d.handle.Sync); err != nil {
		return fmt.Errorf("sync sample directory %s: %w", d.path, err)
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
	BlockSizeBytes                      int64
	Blocks, BlocksFree, BlocksAvailable uint64
	Files, FilesFree                    uint64
}

// AvailableBytes is what can still be written by this process.
func (s Space) AvailableBytes() int64 { return int64(s.BlocksAvailable) * s.BlockSizeBytes }

// Space asks the file system.
func (d *Dir) Space() (Space, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(d.handle.Fd()), &st); err != nil {
		return Space{}, fmt.Errorf("statfs %s: %w", d.path, err)
	}
	return Space{
		BlockSizeBytes: int64(st.Bsize), //nolint:unconvert // 32 bits wide on some machines
		Blocks:         st.Blocks, BlocksFree: st.Bfree, BlocksAvailable: st.Bavail,
		Files: st.Files, FilesFree: st.Ffree,
	}, nil
}
