// SPDX-License-Identifier: GPL-3.0-or-later

package objects_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/objects"
	"github.com/moonfirefs/moonfirefs/sample"
)

// openCache opens a cache that is closed with the test.
func openCache(t *testing.T, path string, maxBytes int64) *objects.Cache {
	t.Helper()
	cache, err := objects.OpenCache(path, maxBytes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	return cache
}

// requireRead requires that an object reads as what it should be, and tells whether it did so
// without a request.
func (f *fixture) requireRead(dir *objects.Dir, name uuid.UUID, want []byte) (cached bool) {
	f.Helper()
	before := f.store.Requests("GET")
	got, err := f.read(dir, name, int64(len(want)), 0, len(want))
	if err != nil || !bytes.Equal(got, want) {
		f.Errorf("read: right is %v, %v", bytes.Equal(got, want), err)
	}
	return f.store.Requests("GET") == before
}

// TestCache ensures that what was read once is read from the cache, also by the next process,
// and while the object store does not answer; and that a cache that was damaged costs requests
// and no wrong byte.
func TestCache(t *testing.T) {
	f := newFixture(t, objects.Options{})
	path, name := filepath.Join(t.TempDir(), "cache"), uuid.New()
	data := f.publish(name, 3<<20+12345)
	use := func(work func(dir *objects.Dir)) {
		t.Helper()
		cache := openCache(t, path, 1<<30)
		dir := f.open(objects.Options{Cache: cache, MemoryBytes: 1, Patience: patience})
		work(dir)
		f.must(dir.Close())
		f.must(cache.Close())
	}
	use(func(dir *objects.Dir) {
		if f.requireRead(dir, name, data) {
			t.Error("it was in a new cache")
		}
		if !f.requireRead(dir, name, data) {
			t.Error("it was not in the cache")
		}
		file, err := dir.Open(name, int64(len(data)))
		f.must(err)
		defer file.Release()
		if !f.hasFile(file, 1<<20-5, data[1<<20-5:][:10]) {
			t.Error("what is in the cache cannot be passed on without a copy")
		}
		if err := file.ReadAt(make([]byte, 2), int64(len(data))-1); err == nil {
			t.Error("the trailer can be read")
		}
		if _, _, err := file.Fd(int64(len(data))-1, 2); err == nil {
			t.Error("the trailer can be passed on")
		}
	})
	f.store.Set(objectstore.Frozen)
	use(func(dir *objects.Dir) {
		if !f.requireRead(dir, name, data) {
			t.Error("it did not survive the process")
		}
	})
	f.store.Set(objectstore.None)
	for offset, what := range map[int64]string{5: "a block", 2<<20 + 7: "another block", int64(len(data)) + 3: "the trailer", int64(len(data)) + 40: "the checksums"} {
		f.spoil(filepath.Join(path, name.String()), offset)
		use(func(dir *objects.Dir) {
			if f.requireRead(dir, name, data) {
				t.Errorf("%s was damaged, and nothing was read anew", what)
			}
			if !f.requireRead(dir, name, data) {
				t.Errorf("%s was damaged, and is not mended", what)
			}
		})
	}
	f.must(os.Truncate(filepath.Join(path, name.String()), 1<<20))
	use(func(dir *objects.Dir) { f.requireRead(dir, name, data) })
	use(func(dir *objects.Dir) {
		f.must(dir.Unlink(name))
		if _, err := os.Stat(filepath.Join(path, name.String())); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("an object that goes stays in the cache: %v", err)
		}
	})
}

// hasFile tells whether there is a file of this machine that has what is wanted at an offset.
func (f *fixture) hasFile(file sample.File, offset int64, want []byte) bool {
	f.Helper()
	fd, ok, err := file.Fd(offset, len(want))
	f.must(err)
	if !ok {
		return false
	}
	got := make([]byte, len(want))
	if n, err := unix.Pread(int(fd), got, offset); err != nil || n != len(got) || !bytes.Equal(got, want) {
		f.Errorf("what is passed on: right is %v, %v", bytes.Equal(got, want), err)
	}
	return true
}

// spoil changes a byte of a file.
func (f *fixture) spoil(path string, offset int64) {
	f.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	f.must(err)
	defer file.Close()
	b := make([]byte, 1)
	_, err = file.ReadAt(b, offset)
	f.must(err)
	b[0] ^= 1
	_, err = file.WriteAt(b, offset)
	f.must(err)
}

// TestCacheBounded ensures that a cache takes no more than it may, that the objects go that
// were used longest ago, also with those of an earlier process, and that a file that is being
// read can be read on.
func TestCacheBounded(t *testing.T) {
	f := newFixture(t, objects.Options{})
	path := t.TempDir()
	cache := openCache(t, path, 5<<20)
	dir := f.open(objects.Options{Cache: cache, MemoryBytes: 1})
	var names []uuid.UUID
	var all [][]byte
	for range 6 {
		name := uuid.New()
		names, all = append(names, name), append(all, f.publish(name, 2<<20))
	}
	f.requireRead(dir, names[0], all[0])
	held, err := dir.Open(names[0], 2<<20)
	f.must(err)
	defer held.Release()
	for i := range names {
		f.requireRead(dir, names[i], all[i])
		if n := cache.SizeBytes(); n > 5<<20 {
			t.Errorf("it has %d bytes", n)
		}
	}
	if !f.requireRead(dir, names[5], all[5]) || f.requireRead(dir, names[1], all[1]) {
		t.Error("the wrong ones were forgotten")
	}
	got := make([]byte, 2<<20)
	if err := held.ReadAt(got, 0); err != nil || !bytes.Equal(got, all[0]) {
		t.Errorf("what was open: %v", err)
	}
	if _, err := objects.OpenCache(path, 1<<20, nil); !errors.Is(err, objects.ErrCacheInUse) {
		t.Errorf("twice: %v", err)
	}
	f.must(cache.Close())
	if n := openCache(t, path, 2<<20+64<<10).SizeBytes(); n > 2<<20+64<<10 || n < 2<<20 {
		t.Errorf("a smaller one of the same files has %d bytes", n)
	}
}

// TestPassedOn ensures that each block can be passed on without a copy as soon as it is in the
// cache, also in the first process and where the others are missing, and never one that differs
// from its checksum.
func TestPassedOn(t *testing.T) {
	f := newFixture(t, objects.Options{})
	path, name := filepath.Join(t.TempDir(), "cache"), uuid.New()
	data := f.publish(name, 3<<20)
	f.store.Spoil(t, "home/"+name.String()) // in the second block
	dir := f.open(objects.Options{Cache: openCache(t, path, 1<<30), Patience: patience})
	for offset, wanted := range map[int64]bool{0: true, 1<<20 + 7: false, 1<<20 - 100: false, 2<<20 + 9: true} {
		file, err := dir.Open(name, int64(len(data)))
		f.must(err)
		if fd, ok, err := file.Fd(offset, 1000); ok != wanted || (err == nil) != wanted {
			t.Errorf("at %d: %d, %v, %v", offset, fd, ok, err)
		}
		if wanted {
			f.hasFile(file, offset, data[offset:][:1000])
		}
		file.Release()
	}
	uncached, err := f.dir.Open(name, int64(len(data)))
	f.must(err)
	defer uncached.Release()
	if f.hasFile(uncached, 0, data[:10]) {
		t.Error("there is a file without a cache")
	}
}

// TestReadAhead ensures that what will be read is fetched before, several blocks with a request;
// that a block that is damaged costs no other one; and that what was there is not fetched again.
func TestReadAhead(t *testing.T) {
	for name, o := range map[string]objects.Options{
		"in memory":    {Patience: patience},
		"in the cache": {Patience: patience, Cache: openCache(t, t.TempDir(), 1<<30)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, o)
			name := uuid.New()
			data := f.publish(name, 12<<20)
			before := f.store.Requests("GET")
			f.willNeed(name, 12<<20)
			wait.Until(t, "it to be fetched", func() bool { return f.dir.Counters().ReceivedBytes.Load() == 12<<20 })
			if got, err := f.read(f.dir, name, 12<<20, 0, 12<<20); err != nil || !bytes.Equal(got, data) {
				t.Errorf("read: %v", err)
			}
			if n := f.store.Requests("GET") - before; n != 3 {
				t.Errorf("%d requests for 12 blocks", n)
			}
			damaged := uuid.New()
			data = f.publish(damaged, 12<<20)
			f.store.Spoil(t, "home/"+damaged.String())
			f.willNeed(damaged, 12<<20)
			for block := range 12 {
				got, err := f.read(f.dir, damaged, 12<<20, int64(block)<<20, 1<<20)
				if block == 6 && err != nil {
					continue
				}
				if block == 6 || err != nil || !bytes.Equal(got, data[block<<20:][:1<<20]) {
					t.Errorf("block %d: %v", block, err)
				}
			}
		})
	}
}

// willNeed has an object fetched for later.
func (f *fixture) willNeed(name uuid.UUID, sizeBytes int64) {
	f.Helper()
	file, err := f.dir.Open(name, sizeBytes)
	f.must(err)
	defer file.Release()
	file.(interface{ WillNeed(offset, n int64) }).WillNeed(0, sizeBytes)
}
