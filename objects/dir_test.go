// SPDX-License-Identifier: GPL-3.0-or-later

package objects_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/objects"
	"github.com/moonfirefs/moonfirefs/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is that of a test in which an object store does not answer.
const patience = 1500 * time.Millisecond

// fixture is a directory in a bucket.
type fixture struct {
	*testing.T
	store *objectstore.Store
	dir   *objects.Dir
	url   string
}

func newFixture(t *testing.T, o objects.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, store: objectstore.Start(t)}
	var err error
	f.url, err = objects.Locate(t.Context(), f.store.URL, objectstore.Credentials(t), o)
	f.must(err)
	f.dir = f.open(o)
	return f
}

func (f *fixture) open(o objects.Options) *objects.Dir {
	f.Helper()
	dir, err := objects.New(f.url, o)
	f.must(err)
	f.Cleanup(func() { _ = dir.Close() })
	return dir
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// publish makes an object of random bytes.
func (f *fixture) publish(name uuid.UUID, sizeBytes int) []byte {
	f.Helper()
	data := make([]byte, sizeBytes)
	_, _ = rand.NewChaCha8([32]byte(slices.Concat(name[:], name[:]))).Read(data)
	f.must(f.put(name, data))
	return data
}

func (f *fixture) put(name uuid.UUID, data []byte) error {
	spool, err := f.dir.Spool()
	f.must(err)
	defer spool.Close()
	_, err = spool.Write(data)
	f.must(err)
	return f.dir.Publish(name, spool)
}

// read reads n bytes of an object of that size.
func (f *fixture) read(dir *objects.Dir, name uuid.UUID, sizeBytes, offset int64, n int) ([]byte, error) {
	f.Helper()
	file, err := dir.Open(name, sizeBytes)
	f.must(err)
	defer file.Release()
	p := make([]byte, n)
	return p, file.ReadAt(p, offset)
}

// TestRead ensures that what was published is read, whatever the range, and that an object is
// asked for once.
func TestRead(t *testing.T) {
	f := newFixture(t, objects.Options{})
	const sizeBytes = 3<<20 + 12345
	name := uuid.New()
	data := f.publish(name, sizeBytes)
	for _, r := range []struct {
		offset int64
		n      int
	}{{0, 1}, {0, sizeBytes}, {sizeBytes - 1, 1}, {1<<20 - 3, 7}, {1 << 20, 1 << 20}, {2<<20 - 1, 1<<20 + 2}, {5, 0}} {
		got, err := f.read(f.dir, name, sizeBytes, r.offset, r.n)
		if err != nil || !bytes.Equal(got, data[r.offset:r.offset+int64(r.n)]) {
			t.Errorf("%d bytes at %d: %v", r.n, r.offset, err)
		}
	}
	if gets := f.store.Requests("GET"); gets > 5 { // four blocks, and where the bucket is
		t.Errorf("%d requests for four blocks", gets)
	}
	if _, err := f.read(f.dir, name, sizeBytes, sizeBytes-1, 2); !errors.Is(err, moonfirefs.ErrCorrupt) {
		t.Errorf("behind the end: %v", err)
	}
	digest := sha256.New()
	if n, err := f.dir.ReadThrough(t.Context(), name, digest); err != nil || n != sizeBytes || [32]byte(digest.Sum(nil)) != sha256.Sum256(data) {
		t.Errorf("read through: %d bytes, %v", n, err)
	}
}

// TestPublish ensures that an object never replaces another one, and that an attempt whose
// answer was lost counts.
func TestPublish(t *testing.T) {
	f := newFixture(t, objects.Options{})
	name := uuid.New()
	data := f.publish(name, 1000)
	if err := f.put(name, data); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	if err := f.put(name, append(bytes.Clone(data[:999]), data[999]+1)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another one of that name: %v", err)
	}
	if got, err := f.read(f.dir, name, 1000, 0, 1000); err != nil || !bytes.Equal(got, data) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestDamage ensures that no byte is served of an object that is not what was written.
func TestDamage(t *testing.T) {
	const sizeBytes = 2 << 20
	for _, c := range []struct {
		name   string
		damage func(f *fixture, name uuid.UUID)
		want   error
	}{
		{"gone", func(f *fixture, name uuid.UUID) { f.store.Remove(f, "home/"+name.String()) }, fs.ErrNotExist},
		{"shorter", func(f *fixture, name uuid.UUID) { f.store.Truncate(f, "home/"+name.String()) }, moonfirefs.ErrCorrupt},
		{"other bytes", func(f *fixture, name uuid.UUID) { f.store.Spoil(f, "home/"+name.String()) }, nil},
		{"wrong answers", func(f *fixture, _ uuid.UUID) { f.store.Set(objectstore.Wrong) }, nil},
		{"short answers", func(f *fixture, _ uuid.UUID) { f.store.Set(objectstore.Truncated) }, nil},
		{"no answers", func(f *fixture, _ uuid.UUID) { f.store.Set(objectstore.Frozen) }, nil},
		{"busy", func(f *fixture, _ uuid.UUID) { f.store.Set(objectstore.Busy) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, objects.Options{Patience: patience})
			name := uuid.New()
			f.publish(name, sizeBytes)
			c.damage(f, name)
			_, err := f.read(f.dir, name, sizeBytes, 1<<20, 1<<20)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestFaultsPass ensures that reading and writing go on once a fault is over, without anybody
// doing anything about it, and that what is read meanwhile is right or an error.
func TestFaultsPass(t *testing.T) {
	for name, fault := range map[string]objectstore.Fault{
		"frozen": objectstore.Frozen, "busy": objectstore.Busy, "truncated": objectstore.Truncated, "wrong": objectstore.Wrong,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, objects.Options{Patience: 20 * time.Second})
			name := uuid.New()
			data := f.publish(name, 1<<20)
			f.store.Set(fault)
			time.AfterFunc(100*time.Millisecond, func() { f.store.Set(objectstore.None) })
			got, err := f.read(f.dir, name, 1<<20, 0, 1<<20)
			if err == nil && !bytes.Equal(got, data) {
				t.Error("wrong bytes were served")
			}
			f.store.Set(objectstore.None)
			if got, err = f.read(f.dir, name, 1<<20, 0, 1<<20); err != nil || !bytes.Equal(got, data) {
				t.Errorf("afterwards: %v", err)
			}
			f.publish(uuid.New(), 1000)
		})
	}
}

// TestUnlink ensures that objects go with Sync, many at a time, that missing ones are no
// error, and that what somebody holds stays.
func TestUnlink(t *testing.T) {
	f := newFixture(t, objects.Options{})
	names := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	for _, name := range names {
		f.publish(name, 100)
		f.must(f.dir.Unlink(name))
	}
	f.must(f.dir.Unlink(uuid.New()))
	before := f.store.Requests("POST") + f.store.Requests("DELETE")
	f.must(f.dir.Sync())
	if n := f.store.Requests("POST") + f.store.Requests("DELETE") - before; n != 1 {
		t.Errorf("%d requests for four objects", n)
	}
	if left := f.store.Objects(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	held := uuid.New()
	f.publish(held, 100)
	release := f.dir.Hold([]uuid.UUID{held})
	if err := f.dir.Unlink(held); !errors.Is(err, sample.ErrHeld) {
		t.Errorf("what is held: %v", err)
	}
	release()
	f.must(f.dir.Unlink(held))
	f.store.Set(objectstore.Busy)
	impatient := f.open(objects.Options{Patience: patience})
	f.must(impatient.Unlink(held))
	if err := impatient.Sync(); err == nil {
		t.Error("no error where the object store is busy")
	}
	f.store.Set(objectstore.None)
	f.must(impatient.Sync())
	if _, err := f.dir.Stat(held); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestRefused ensures that an object store that refuses says why, in words that tell what to do.
func TestRefused(t *testing.T) {
	f := newFixture(t, objects.Options{Patience: patience})
	name := uuid.New()
	f.publish(name, 100)
	for fault, want := range map[objectstore.Fault]string{
		objectstore.ReadOnly: "refuses access: No: check bucket and credentials",
		objectstore.Skewed:   "this machine's clock and its own differ too much: set the clock",
	} {
		f.store.Set(fault)
		if err := f.put(uuid.New(), []byte("x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f.store.Set(objectstore.None)
	other := strings.Replace(f.url, objectstore.Bucket, "elsewhere", 1)
	dir, err := objects.New(other, objects.Options{Patience: patience})
	f.must(err)
	defer dir.Close()
	if _, err := dir.ReadMeta(); err == nil || !strings.Contains(err.Error(), "there is no such bucket") {
		t.Errorf("of another bucket: %v", err)
	}
}

// TestCredentialsChange ensures that the key counts that the file has now.
func TestCredentialsChange(t *testing.T) {
	f := newFixture(t, objects.Options{Patience: patience})
	u, err := url.Parse(f.url)
	f.must(err)
	path := u.Query().Get("credentials")
	good, err := os.ReadFile(path)
	f.must(err)
	f.publish(uuid.New(), 100)
	if key := f.store.LastKey(); !strings.Contains(string(good), key) {
		t.Fatalf("signed by %q", key)
	}
	f.must(os.WriteFile(path+".new", []byte("[default]\naws_access_key_id = OTHERKEY\naws_secret_access_key = x\n"), 0o600))
	f.must(os.Rename(path+".new", path))
	_ = f.put(uuid.New(), []byte("x")) // only some object stores look at it
	if key := f.store.LastKey(); key != "OTHERKEY" {
		t.Errorf("after the change, requests are signed by %q", key)
	}
}

// TestMark ensures that a place is marked once, and only if it is empty, and that what it has
// is listed without what is not a sample file.
func TestMark(t *testing.T) {
	f := newFixture(t, objects.Options{})
	id := sample.Identity{Store: uuid.New(), Dir: uuid.New()}
	f.must(sample.CreateRemote(f.dir, id))
	if err := sample.CreateRemote(f.dir, id); !errors.Is(err, moonfirefs.ErrInvalid) {
		t.Errorf("once more: %v", err)
	}
	name := uuid.New()
	f.publish(name, 100)
	aside, err := f.dir.MoveAside(f.publishAnother())
	f.must(err)
	if want := f.store.URL + "/aside/"; len(aside) <= len(want) || aside[:len(want)] != want {
		t.Errorf("moved aside to %s", aside)
	}
	var listed []sample.Listed
	f.must(f.dir.EachBatch(func(batch []sample.Listed) error {
		listed = append(listed, batch...)
		return nil
	}))
	if want := []sample.Listed{{Name: name, SizeBytes: 100}}; !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	if empty, err := f.dir.Empty(); err != nil || empty {
		t.Errorf("empty: %v, %v", empty, err)
	}
}

func (f *fixture) publishAnother() uuid.UUID {
	name := uuid.New()
	f.publish(name, 10)
	return name
}

// TestLocate ensures that URLs that cannot be meant are refused, above all those with a key.
func TestLocate(t *testing.T) {
	for _, text := range []string{
		"https://key:secret@host/bucket/home", "ftp://host/bucket/home", "https://host/bucket", "https:///bucket/home",
		"https://host/bucket/a/../b", "https://host/bucket/a//b", "https://host/bucket/home#x", "https://host/bucket/home?secret=x", "host/bucket/home",
	} {
		_, err := objects.Locate(t.Context(), text, "", objects.Options{})
		if !errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && bytes.Contains([]byte(err.Error()), []byte("key:secret")) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
	f := newFixture(t, objects.Options{})
	u, err := url.Parse(f.url)
	if err != nil || u.Query().Get("region") == "" || u.Query().Get("credentials") == "" {
		t.Errorf("%s: %v", f.url, err)
	}
}

// TestClose ensures that whoever reads does not wait once the directory is closed.
func TestClose(t *testing.T) {
	f := newFixture(t, objects.Options{Patience: time.Hour})
	name := uuid.New()
	f.publish(name, 100)
	f.store.Set(objectstore.Frozen)
	failed := make(chan error)
	go func() {
		_, err := f.read(f.dir, name, 100, 0, 100)
		failed <- err
	}()
	f.must(f.dir.Close())
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}
