package sample

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	moonfire "github.com/moonfirefs/moonfire"
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
)

// metaName is the file that marks a directory as ours.
const metaName = "meta"

// metaFormat is the version of the directory's layout.
const metaFormat = 1

type metaFile struct {
	Format int       `json:"format"`
	Store  uuid.UUID `json:"store"`
	Dir    uuid.UUID `json:"dir"`
}

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

	cache cache

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
	data, err := json.Marshal(metaFile{Format: metaFormat, Store: id.Store, Dir: id.Dir})
	if err != nil {
		return fmt.Errorf("create sample directory %s: %w", path, err)
	}
	if err := writeDurably(path, metaName, append(data, '\n')); err != nil {
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

// writeDurably makes the file dir/name appear with all of data or not at all.
func writeDurably(dir, name string, data []byte) error {
	temporary := filepath.Join(dir, name+".new")
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temporary, filepath.Join(dir, name))
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
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
	if err := d.open(id); err != nil {
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
	// Shared by all who use the directory, so that a repair can shut them out.
	if err := unix.Flock(int(d.handle.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return fmt.Errorf("it is being repaired: %w", moonfire.ErrStoreLocked)
	}
	if d.mode == Recording {
		d.lock, err = lockRecorder(d.root)
	}
	return err
}

func verify(root *os.Root, id Identity) error {
	data, err := root.ReadFile(metaName)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it has no file %q: is its disk mounted? %w", metaName, moonfire.ErrForeign)
	}
	if err != nil {
		return err
	}
	var meta metaFile
	if err := json.Unmarshal(data, &meta); err != nil {
		return fmt.Errorf("file %q: %w: %w", metaName, err, moonfire.ErrCorrupt)
	}
	switch {
	case meta.Format != metaFormat:
		return fmt.Errorf("its format is %d, this program knows %d: %w", meta.Format, metaFormat, moonfire.ErrForeign)
	case meta.Store != id.Store:
		return fmt.Errorf("it belongs to store %s, not to %s: %w", meta.Store, id.Store, moonfire.ErrForeign)
	case meta.Dir != id.Dir:
		return fmt.Errorf("it is directory %s of the store, not %s: %w", meta.Dir, id.Dir, moonfire.ErrForeign)
	}
	return nil
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

// Create makes a new sample file, opened for writing; it fails if the file
// exists. The caller closes it.
func (d *Dir) Create(name uuid.UUID) (*os.File, error) {
	f, err := d.root.OpenFile(name.String(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create sample file: %w", err)
	}
	return f, nil
}

// Unlink removes a sample file. A missing file is reported as fs.ErrNotExist.
// What this process holds (see Hold) stays readable.
func (d *Dir) Unlink(name uuid.UUID) error {
	d.cache.keepIfHeld(name, d.openFile)
	if err := d.root.Remove(name.String()); err != nil {
		return fmt.Errorf("unlink sample file: %w", err)
	}
	d.cache.forget(name)
	return nil
}

// Sync makes all creations and removals so far durable.
func (d *Dir) Sync() error {
	if err := d.handle.Sync(); err != nil {
		return fmt.Errorf("sync sample directory %s: %w", d.path, err)
	}
	return nil
}

// List returns the names of all sample files, in no order. Files that are not
// named by a UUID are passed over.
func (d *Dir) List() ([]uuid.UUID, error) {
	// A handle of its own: reading moves the handle's position.
	handle, err := d.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list sample files: %w", err)
	}
	defer handle.Close()
	entries, err := handle.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list sample files: %w", err)
	}
	var names []uuid.UUID
	for _, entry := range entries {
		// Only the canonical form: uuid.Parse would take braces and URNs too.
		if name, err := uuid.Parse(entry); err == nil && name.String() == entry {
			names = append(names, name)
		}
	}
	return names, nil
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
