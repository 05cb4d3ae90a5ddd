// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// bucketStore is a store with old footage, and an object store that it can move to.
type bucketStore struct {
	*testing.T
	path    string
	bucket  *objectstore.Store
	digests map[string]string
	// credentials is a path.
	credentials string
}

func newBucketStore(t *testing.T) *bucketStore {
	t.Helper()
	dir := t.TempDir()
	tool(t, "tar", "-C", dir, "-xzf", filepath.Join(oldStores, "version-1.tar.gz"))
	s := &bucketStore{T: t, path: filepath.Join(dir, "store"), bucket: objectstore.Start(t), digests: oldDigests(t, "version-1"), credentials: objectstore.Credentials(t)}
	mustRun(t, "dir", "add", "--s3", s.bucket.URL, "--credentials", s.credentials, "--store", s.path)
	s.noteSHA256()
	return s
}

// moveAll has all footage move to the bucket as soon as it is recorded to.
func (s *bucketStore) moveAll() {
	s.Helper()
	s.moveAllTo(s.bucket.URL)
}

func (s *bucketStore) moveAllTo(dir string) {
	s.Helper()
	mustRun(s.T, "tier", "add", "yard", "--to", dir, "--after", "10m", "--retain", "1GB", "--store", s.path)
	mustRun(s.T, "tier", "add", "yard/sub", "--to", dir, "--after", "1h", "--retain", "1GB", "--store", s.path)
}

// local is how many sample files are on this machine.
func (s *bucketStore) local() int { return sampleFiles(s.T, filepath.Join(s.path, "samples")) }

// requireDigests requires that the files in a mount are what they were when they were recorded.
func (s *bucketStore) requireDigests(mountpoint, when string) {
	s.Helper()
	for name, digest := range s.digests {
		if got := see(s.T, filepath.Join(mountpoint, name)); got.digest != digest {
			s.Errorf("%s, %s has SHA-256 %s, not %s", when, name, got.digest, digest)
		}
	}
}

// TestTierInBucket ensures that footage moves to a bucket while it is mounted, and that nobody
// notices; that it is deleted there; and that a check finds what is missing there, and what is
// too much.
func TestTierInBucket(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path)
	recorder.saw("msg=recording")
	s.requireDigests(mountpoint, "before the move")
	const hour = "yard/2026-11-30/00.mp4"
	open, err := os.Open(filepath.Join(mountpoint, hour))
	mustDo(t, err)
	defer open.Close()
	begun := make([]byte, 10_000)
	_, err = io.ReadFull(open, begun)
	mustDo(t, err)
	footage := s.local()
	s.moveAll()
	wait.Until(t, "all footage to move", func() bool {
		s.requireDigests(mountpoint, "during the move")
		return s.local() == 0
	})
	if got := rest(t, open, begun); got != s.digests[hour] {
		t.Errorf("a file that was open while it moved has SHA-256 %s", got)
	}
	if n := len(s.bucket.Objects(t)); n != footage+1 {
		t.Errorf("%d objects of %d sample files and the mark", n, footage)
	}
	s.requireDigests(mountpoint, "after the move")
	requireOutput(t, exitOK, []string{s.bucket.URL, "unlimited"}, "dir", "list", "--store", s.path)
	if output, _ := run(t, "status", "--store", s.path); !strings.Contains(output, "as much as is wanted") { // its cameras do not exist
		t.Errorf("status:\n%s", output)
	}

	again, err := os.Open(filepath.Join(mountpoint, hour))
	mustDo(t, err)
	defer again.Close()
	mustRun(t, "keep", "--release", "visit", "--yes", "--store", s.path)
	mustRun(t, "delete", "yard", "2026-11-30 00:00", "01:00", "--yes", "--store", s.path)
	if got := rest(t, again, nil); got != s.digests[hour] {
		t.Errorf("a file that was open while its footage was deleted has SHA-256 %s", got)
	}
	mustDo(t, again.Close())
	recorder.stop()
	recorder = start(t, "run", mountpoint, "--store", s.path)
	wait.Until(t, "the footage to be deleted", func() bool { return len(s.bucket.Objects(t)) < footage+1 })
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
	s.requireStoredChecksums()
	s.requireFindings()
}

// sql runs statements on the index.
func (s *bucketStore) sql(statements string) (output string) {
	s.Helper()
	return tool(s.T, "sqlite3", filepath.Join(s.path, "moonfire.db"), statements)
}

// noteSHA256 has the rows of old footage, of which one stays without, know its SHA-256, as
// those that are recorded now do.
func (s *bucketStore) noteSHA256() {
	s.Helper()
	names, err := filepath.Glob(filepath.Join(s.path, "samples", "????????-*"))
	mustDo(s.T, err)
	for _, name := range names[1:] {
		data, err := os.ReadFile(name)
		mustDo(s.T, err)
		s.sql(fmt.Sprintf("insert into sample_file_sha256 select id, x'%x' from recording where hex(sample_file_uuid) = upper('%s')",
			sha256.Sum256(data), strings.ReplaceAll(filepath.Base(name), "-", "")))
	}
}

// requireStoredChecksums requires that a check reads only what the object store has no checksum
// for that is in the index, if it is told to.
func (s *bucketStore) requireStoredChecksums() {
	s.Helper()
	requireOutput(s.T, exitUsage, []string{"--stored-checksums is for --hash"}, "check", "--stored-checksums", "--store", s.path)
	check := []string{"check", "--hash", "--stored-checksums", "--store", s.path}
	gets := s.bucket.Requests("GET")
	requireOutput(s.T, exitOK, []string{"Clean"}, check...)
	if n := s.bucket.Requests("GET") - gets; n > 3+1 { // where it is, two lists, and what has no SHA-256
		s.Errorf("%d requests with GET", n)
	}
	restore := s.sql("select format('update sample_file_sha256 set sha256 = x''%s'' where recording_id = %d;', hex(sha256), recording_id) from sample_file_sha256")
	s.sql("update sample_file_sha256 set sha256 = randomblob(32)")
	requireOutput(s.T, exitFailure, []string{"differ from their SHA-256"}, check...)
	s.sql(restore)
}

// requireFindings requires that a check finds an object that is damaged, and one that is
// missing, and that repairs set the one aside and forget the other.
func (s *bucketStore) requireFindings() {
	s.Helper()
	var objects []string
	for _, key := range s.bucket.Objects(s.T) {
		if !strings.HasSuffix(key, "/meta") {
			objects = append(objects, key)
		}
	}
	s.bucket.Spoil(s.T, objects[0])
	s.bucket.Remove(s.T, objects[1])
	requireOutput(s.T, exitFailure, []string{"its sample file is missing"}, "check", "--store", s.path)
	requireOutput(s.T, exitFailure, []string{"differ from their SHA-"}, "check", "--hash", "--store", s.path)
	requireOutput(s.T, exitOK, []string{"the file is now " + s.bucket.URL + "/aside/", "1 recording moved"}, "repair", "move-corrupt", "--all", "--hash", "--store", s.path)
	requireOutput(s.T, exitOK, []string{"1 recording dropped"}, "repair", "drop-missing", "--all", "--store", s.path)
	aside := strings.Replace(objects[0], "home/", "home/aside/", 1)
	if now := s.bucket.Objects(s.T); !slices.Contains(now, aside) || !slices.Contains(now, aside+".json") || slices.Contains(now, objects[0]) {
		s.Errorf("after the repair there are %q", now)
	}
	requireOutput(s.T, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
}

// TestBucketAway ensures that an object store that does not answer costs nothing but the
// footage in it, that footage moves once it answers, that who reads before its first answer
// waits for that, and that status and metrics tell.
func TestBucketAway(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	s.moveAll()
	mountpoint := newMountpoint(t)
	s.bucket.Set(objectstore.Busy)
	recorder := start(t, "run", mountpoint, "--store", s.path, "--metrics", "127.0.0.1:0", "--object-cache", "1GB")
	recorder.saw("msg=recording")
	s.requireDigests(mountpoint, "while the object store is busy")
	wait.Until(t, "the status to tell", func() bool {
		output, _ := run(t, "status", "--store", s.path)
		return strings.Contains(output, "The object store of "+s.bucket.URL)
	})
	s.bucket.Set(objectstore.None)
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	s.requireDigests(mountpoint, "after the move")
	s.requireCounted(recorder, "requests_total", "failed_requests_total", "received_bytes_total", "sent_bytes_total")
	recorder.stop()
	mountpoint = newMountpoint(t) // which the kernel has nothing of
	s.bucket.Set(objectstore.Frozen)
	recorder = start(t, "run", mountpoint, "--store", s.path, "--metrics", "127.0.0.1:0", "--object-cache", "1GB")
	recorder.saw("msg=recording")
	time.AfterFunc(time.Second, func() { s.bucket.Set(objectstore.None) })
	s.requireDigests(mountpoint, "from the object store")
	recorder.saw("the sample directory can be moved to")
	s.requireCounted(recorder, "cache_misses_total", "fetch_duration_seconds", "received_bytes_total")
	if families, _ := scrape(t, metricsAddress(recorder)); value(t, families, "object_cache_bytes") == 0 {
		t.Error("the cache is empty")
	}
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
}

// requireCounted requires that metrics and status tell what was asked of the object store.
func (s *bucketStore) requireCounted(recorder *program, names ...string) {
	s.Helper()
	families, text := scrape(s.T, metricsAddress(recorder))
	for _, name := range names {
		if value(s.T, families, "object_"+name, "directory="+s.bucket.URL) == 0 {
			s.Errorf("object_%s is not counted", name)
		}
	}
	if problems, err := promlint.New(bytes.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		s.Errorf("the linter says %+v (%v)", problems, err)
	}
	if output, _ := run(s.T, "status", "--json", "--store", s.path); !strings.Contains(output, `"failedRequests":`) {
		s.Errorf("status: %s", output)
	}
}

// TestBucketAdded ensures that a recorder that is running takes up a directory in a bucket that
// is added, and moves footage there.
func TestBucketAdded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tool(t, "tar", "-C", dir, "-xzf", filepath.Join(oldStores, "version-1.tar.gz"))
	s := &bucketStore{T: t, path: filepath.Join(dir, "store"), bucket: objectstore.Start(t), digests: oldDigests(t, "version-1")}
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path)
	recorder.saw("msg=recording")
	mustRun(t, "dir", "add", "--s3", s.bucket.URL, "--credentials", objectstore.Credentials(t), "--store", s.path)
	s.moveAll()
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	s.requireDigests(mountpoint, "after the move")
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
}

// TestBucketOfAnother ensures that the prefix of another store is refused when it is added,
// and that nothing moves to a prefix whose mark has become another one's.
func TestBucketOfAnother(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	requireOutput(t, exitFailure, []string{"it is one already"}, "dir", "add", "--s3", s.bucket.URL, "--credentials", s.credentials, "--store", newStore(t))
	other := newStore(t)
	mustRun(t, "dir", "add", "--s3", s.bucket.URL+"2", "--credentials", s.credentials, "--store", other)
	s.sql(fmt.Sprintf("update sample_dir set path = replace(path, '%s', '%s') where path like 'http%%'", s.bucket.URL, s.bucket.URL+"2"))
	s.moveAllTo(s.bucket.URL + "2")
	recorder := start(t, "run", newMountpoint(t), "--store", s.path)
	recorder.saw("does not belong to this store")
	recorder.stop()
	if n := len(s.bucket.Objects(t)); n != 2 {
		t.Errorf("%d objects, instead of two marks", n)
	}
}

// TestBucketCache ensures that a mount with a cache goes on to show what was read once while
// the object store does not answer, also when it is mounted anew.
func TestBucketCache(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	s.moveAll()
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path)
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	recorder.stop()
	for _, fault := range []objectstore.Fault{objectstore.None, objectstore.Frozen} {
		s.bucket.Set(fault)
		mount := start(t, "mount", mountpoint, "--store", s.path, "--object-cache", "1GB")
		mount.saw("msg=mounted")
		s.requireDigests(mountpoint, "through the cache")
		mount.stop()
	}
	requireOutput(t, exitUsage, []string{"--object-cache"}, "mount", mountpoint, "--store", s.path, "--object-cache-dir", "x")
}

// TestBucketViewer ensures that a machine that has nothing but a replica of the index, and
// credentials that only allow it to get objects, in its environment, shows and plays what is in
// the bucket; alone and among the stores of others.
func TestBucketViewer(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	s.moveAll()
	recorder := start(t, "run", newMountpoint(t), "--store", s.path)
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	recorder.stop()
	folder := t.TempDir()
	replica := filepath.Join(folder, "house")
	mustDo(t, os.Mkdir(replica, 0o755))
	mustDo(t, os.Rename(filepath.Join(s.path, "moonfire.db"), filepath.Join(replica, "moonfire.db")))
	mustDo(t, os.Remove(s.credentials))
	s.bucket.Set(objectstore.ReadOnly)
	for _, stores := range [][]string{{"--store", replica}, {"--store", replica, "--object-cache", "1GB"}, {"--stores", folder}} {
		mountpoint := newMountpoint(t)
		viewer := startIn(t, objectstore.Environment(), append([]string{"mount", mountpoint}, stores...)...)
		viewer.saw("msg=mounted")
		s.requireDigests(mountpoint, "by "+strings.Join(stores, " "))
		viewer.stop()
	}
	if n := s.bucket.Refused(); n > 0 {
		t.Errorf("%d requests were refused", n)
	}
}

// TestBucketFrozen ensures that a recorder ends in order, although footage is being moved to an
// object store that does not answer, and read from it; and that it moves later.
func TestBucketFrozen(t *testing.T) {
	t.Parallel()
	s := newBucketStore(t)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path)
	recorder.saw("msg=recording")
	footage := s.local()
	s.moveAll()
	wait.Until(t, "some footage to move", func() bool { return s.local() < footage })
	s.bucket.Set(objectstore.Frozen)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for name := range s.digests { // errors are what is to be had
			_, _, _ = readWhole(filepath.Join(mountpoint, name))
		}
	}()
	recorder.stop()
	<-read
	if strings.Contains(recorder.output.String(), "did not end within") {
		t.Error("it did not end in order")
	}
	s.bucket.Set(objectstore.None)
	recorder = start(t, "run", mountpoint, "--store", s.path)
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	s.requireDigests(mountpoint, "after the move")
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
}

// TestBucketDir ensures that a bucket is no place to record to, that a directory in one is
// added once, and can be removed, and that no key is in the index.
func TestBucketDir(t *testing.T) {
	t.Parallel()
	path, bucket := newStore(t), objectstore.Start(t)
	credentials := objectstore.Credentials(t)
	requireOutput(t, exitUsage, []string{"--credentials is for a bucket"}, "dir", "add", "--credentials", credentials, "--store", path)
	mustDo(t, os.Chmod(credentials, 0o644))
	requireOutput(t, exitFailure, []string{"chmod 640"}, "dir", "add", "--s3", bucket.URL, "--credentials", credentials, "--store", path)
	mustDo(t, os.Chmod(credentials, 0o640))
	mustRun(t, "dir", "add", "--s3", bucket.URL, "--credentials", credentials, "--store", path)
	requireOutput(t, exitFailure, []string{"the store already has it"}, "dir", "add", "--s3", bucket.URL, "--credentials", credentials, "--store", path)
	requireOutput(t, exitFailure, []string{"nothing can be recorded to a bucket"}, "camera", "add", "yard", "rtsp://127.0.0.1/", "--retain", "1GB", "--dir", bucket.URL, "--store", path, "--no-test")
	if stored := tool(t, "sqlite3", filepath.Join(path, "moonfire.db"), "select path from sample_dir"); strings.Contains(stored, "testsecret") || !strings.Contains(stored, credentials) {
		t.Errorf("the index has %s", stored)
	}
	requireOutput(t, exitOK, []string{"Removed sample directory " + bucket.URL}, "dir", "remove", bucket.URL, "--store", path)
	if left := bucket.Objects(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
