// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/hold"
	"github.com/moonfirefs/moonfirefs/sample"
)

const (
	// metaName is the object that marks a prefix as ours.
	metaName = "meta"
	// metaFresh is for how long the object store need not be asked again whether it answers.
	metaFresh = time.Minute
	// removeBatch is how many objects go with one request.
	removeBatch = 1000
)

// Options say how directories in buckets are used.
type Options struct {
	// Spool is a directory in which what moves to a bucket is gathered; "" means /var/tmp,
	// which is on a disk, or else that of temporary files.
	Spool string
	// Patience is how long a reader waits for bytes; 0 means 30 s.
	Patience time.Duration
	// MemoryBytes is for blocks that were read; 0 means 64 MiB.
	MemoryBytes int64
	// Cache keeps blocks on a disk of this machine; nil means none.
	Cache *Cache
	// Logger is told what a person should know; nil means nobody.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	o.MemoryBytes = cmp.Or(o.MemoryBytes, defaultMemoryBytes)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Register has directories whose paths are URLs kept in buckets. The last call before a store
// is opened counts.
func Register(o Options) {
	sample.RegisterRemote(func(url string) (sample.Remote, error) { return New(url, o) })
}

// Dir keeps the sample files of a directory in a bucket. It is safe for concurrent use.
type Dir struct {
	*bucket
	o      Options
	blocks *blocks
	held   *hold.Set[uuid.UUID, struct{}]

	mu sync.Mutex // guards what follows
	// doomed are files that the next Sync removes.
	doomed map[uuid.UUID]struct{}
	// meta is the object of that name as it was read at metaAt.
	meta   []byte
	metaAt time.Time
}

var _ sample.Remote = (*Dir)(nil)

// New returns the directory of a URL, https://HOST/BUCKET/PREFIX with the region and the path
// of a file with credentials as a query. It does no I/O. The error wraps moonfirefs.ErrInvalid
// if it is no such URL.
func New(url string, o Options) (*Dir, error) {
	l, err := parseLocation(url)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	b, err := newBucket(l, o.Patience)
	if err != nil {
		return nil, err
	}
	d := &Dir{bucket: b, o: o, held: hold.New[uuid.UUID](func(struct{}) {}), doomed: make(map[uuid.UUID]struct{})}
	d.blocks = newBlocks(b, o.MemoryBytes, o.Cache)
	return d, nil
}

// Locate returns the URL with which the store remembers a directory: with the path of the file
// with credentials, unless that is "", and with the region, which it asks the bucket for.
func Locate(ctx context.Context, url, credentialsPath string, o Options) (string, error) {
	l, err := parseLocation(url)
	if err != nil {
		return "", err
	}
	l.credentials = cmp.Or(credentialsPath, l.credentials)
	b, err := newBucket(l, o.withDefaults().Patience)
	if err != nil {
		return "", err
	}
	defer b.close()
	if l.region == "" {
		if l.region, err = b.locate(ctx); err != nil {
			return "", fmt.Errorf("find %s: %w", l, err)
		}
	}
	return l.full(), nil
}

// Close ends what is under way.
func (d *Dir) Close() error {
	d.bucket.close()
	d.blocks.close()
	return nil
}

// Counters implements sample.Remote.
func (d *Dir) Counters() *sample.RemoteCounters { return &d.counted }

// CacheBytes implements sample.Remote.
func (d *Dir) CacheBytes() int64 {
	if d.o.Cache == nil {
		return 0
	}
	return d.o.Cache.SizeBytes()
}

// Hurry implements sample.Remote.
func (d *Dir) Hurry() { d.hurry() }

// ReadMeta implements sample.Remote.
func (d *Dir) ReadMeta() ([]byte, error) {
	d.mu.Lock()
	data, at := d.meta, d.metaAt
	d.mu.Unlock()
	if data != nil && time.Since(at) < metaFresh && !d.isFailing() {
		return data, nil
	}
	data, err := d.getSmall(context.Background(), metaName)
	if err != nil {
		return nil, err
	}
	d.keepMeta(data)
	return data, nil
}

// WriteMeta implements sample.Remote.
func (d *Dir) WriteMeta(data []byte, isNew bool) error {
	if err := d.putSmall(context.Background(), metaName, data, isNew); err != nil {
		return err
	}
	d.keepMeta(data)
	return nil
}

func (d *Dir) keepMeta(data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meta, d.metaAt = data, time.Now()
}

// Spool implements sample.Remote.
func (d *Dir) Spool() (*os.File, error) {
	if d.o.Spool != "" {
		return nameless(d.o.Spool)
	}
	f, err := nameless("/var/tmp")
	if err != nil {
		f, err = nameless(os.TempDir())
	}
	return f, err
}

// nameless makes a file that is gone once it is closed.
func nameless(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return f, err
	}
	if f, err = os.CreateTemp(dir, "moonfirefs-*"); err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}

// Publish implements sample.Remote.
func (d *Dir) Publish(name uuid.UUID, spool *os.File) error {
	info, err := spool.Stat()
	if err != nil {
		return err
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(spool, 0, info.Size())); err != nil {
		return err
	}
	sums, err := readTable(name, spool, info.Size())
	if err != nil {
		return err
	}
	text := sums.text(info.Size())
	metadata := map[string]string{tableKey: text, "x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(digest.Sum(nil))}
	err = d.put(context.Background(), name.String(), spool, info.Size(), [32]byte(digest.Sum(nil)), metadata, true)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// It may be of an earlier attempt whose answer has not arrived.
	if there, failed := d.stat(context.Background(), name.String()); failed == nil && there.sizeBytes == info.Size() && there.table == text {
		return nil
	}
	return err
}

// Hold implements sample.Remote.
func (d *Dir) Hold(names []uuid.UUID) (release func()) { return d.held.Hold(names) }

// Unlink implements sample.Remote: objects go in batches.
func (d *Dir) Unlink(name uuid.UUID) error {
	if d.held.Holds(name) {
		return fmt.Errorf("remove object %s: %w", name, sample.ErrHeld)
	}
	d.blocks.forget(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doomed[name] = struct{}{}
	return nil
}

// Sync implements sample.Remote.
func (d *Dir) Sync() error {
	d.mu.Lock()
	doomed := d.doomed
	d.doomed = make(map[uuid.UUID]struct{})
	d.mu.Unlock()
	names := slices.Collect(maps.Keys(doomed))
	for batch := range slices.Chunk(names, removeBatch) {
		if err := d.removeAll(batch); err != nil {
			d.mu.Lock()
			maps.Copy(d.doomed, doomed)
			d.mu.Unlock()
			return err
		}
	}
	return nil
}

func (d *Dir) removeAll(names []uuid.UUID) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = name.String()
	}
	return d.remove(context.Background(), keys)
}

// Stat implements sample.Remote.
func (d *Dir) Stat(name uuid.UUID) (sample.Info, error) {
	found, err := d.stat(context.Background(), name.String())
	if err != nil {
		return sample.Info{}, err
	}
	return sample.Info{SizeBytes: found.sizeBytes, Regular: true}, nil
}

// EachBatch implements sample.Remote.
func (d *Dir) EachBatch(fn func([]sample.Listed) error) error {
	return d.list(context.Background(), func(page []minio.ObjectInfo) error {
		var batch []sample.Listed
		for _, info := range page {
			base := info.Key[len(d.prefix)+1:]
			if name, err := uuid.Parse(base); err == nil && name.String() == base {
				batch = append(batch, sample.Listed{Name: name, SizeBytes: info.Size})
			}
		}
		return fn(batch)
	})
}

// ReadThrough implements sample.Remote.
func (d *Dir) ReadThrough(ctx context.Context, name uuid.UUID, w io.Writer) (sizeBytes int64, err error) {
	return d.copyTo(ctx, name.String(), w)
}

// StoredSHA256 implements sample.Remote. It takes one request.
func (d *Dir) StoredSHA256(ctx context.Context, name uuid.UUID) ([sha256.Size]byte, error) {
	return d.storedSHA256(ctx, name.String())
}

// Empty implements sample.Remote.
func (d *Dir) Empty() (bool, error) {
	empty := true
	err := d.list(context.Background(), func(page []minio.ObjectInfo) error {
		empty = empty && !slices.ContainsFunc(page, func(info minio.ObjectInfo) bool { return info.Key != d.key(metaName) })
		return nil
	})
	return empty, err
}

// Forget implements sample.Remote.
func (d *Dir) Forget() error { return d.remove(context.Background(), []string{metaName}) }
