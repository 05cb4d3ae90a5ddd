// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// applied is a file that is applied to a store.
type applied struct {
	*testing.T
	store, file string
}

func newApplied(t *testing.T, store string) *applied {
	t.Helper()
	return &applied{t, store, filepath.Join(t.TempDir(), "cameras.toml")}
}

// apply applies a text, and requires the status and texts of the output.
func (a *applied) apply(text string, status int, want []string, flags ...string) {
	a.Helper()
	mustDo(a.T, os.WriteFile(a.file, []byte(text), 0o600))
	requireOutput(a.T, status, want, append([]string{"apply", a.file, "--store", a.store}, flags...)...)
}

// printed is what --print prints.
func (a *applied) printed() string {
	a.Helper()
	return mustRun(a.T, "apply", "--print", "--store", a.store)
}

// tierText is the tier of a camera in a file.
func tierText(key, to, after, retain string) string {
	return fmt.Sprintf("[cameras.%s]\nto = '%s'\nafter = '%s'\nretain = '%s'\n", key, to, after, retain)
}

// TestApplyTier ensures that a tier and the directory for it are added, changed and removed by a
// file, once; that a dry run changes nothing; that what costs footage, or ends moves, asks; and
// that one file can both lower the quota of a camera and give it a tier.
func TestApplyTier(t *testing.T) {
	t.Parallel()
	a := newApplied(t, teststore.New(t, 10))
	bulk := filepath.Join(t.TempDir(), "bulk")
	plain := a.printed()
	withDir := "[[dirs]]\npath = '" + bulk + "'\n" + plain
	with := func(after, retain string) string { return withDir + tierText("driveway.tier", bulk, after, retain) }

	a.apply(with("3d", "2GB"), exitOK, []string{"+ " + bulk + ": directory added", "~ driveway: main tier: none → to " + bulk + " after 72 hours, a quota of 2.0 GB there"}, "--dry-run")
	if _, err := os.Stat(bulk); err == nil || a.printed() != plain {
		t.Errorf("a dry run has made %s, or changed the store (%v)", bulk, err)
	}
	a.apply(with("3d", "2GB"), exitOK, []string{"1 directory added, 1 camera changed."})
	a.apply(with("3d", "2GB"), exitOK, []string{"Nothing to change."})
	a.apply(a.printed(), exitOK, []string{"Nothing to change."})
	requireOutput(t, exitOK, []string{bulk, "72 hours", "of 2.0 GB"}, "tier", "list", "--store", a.store)
	a.apply(with("4d", "1GB"), exitOK, []string{"72 hours, a quota of 2.0 GB there → to " + bulk + " after 96 hours, a quota of 1.0 GB there"})
	a.apply(with("4d", "999999999999PB"), exitUsage, []string{"--retain"})
	a.apply(with("4d", "1000PB"), exitOK, []string{"1 camera changed", "warning: the quotas of what moves to"})

	a.apply(withDir, exitUsage, []string{"~ driveway: main tier: to " + bulk, "→ none", "End moving its footage?", "--yes"})
	requireOutput(t, exitOK, []string{bulk}, "tier", "list", "--store", a.store)
	a.apply(withDir, exitOK, []string{"1 camera changed"}, "--yes")
	a.apply(withDir, exitOK, []string{"Nothing to change."})
	a.apply(plain, exitOK, []string{bulk + " is not in the file. It stays in the store", "Nothing to change."})
	requireOutput(t, exitOK, []string{"No footage moves"}, "tier", "list", "--store", a.store)

	// Quota and tier in one change: what has not moved yet must not exceed the lower quota.
	lower := strings.Replace(with("3d", "2GB"), fmt.Sprintf("retain = '%dB'", teststore.PlentyBytes), "retain = '20kB'", 1)
	a.apply(lower, exitUsage, []string{"and 2.0 GB where it moves to", "6 recordings, 30 kB", "--yes"})
	if c := storedCamera(t, a.store); c.Streams[0].RetainBytes != teststore.PlentyBytes || c.Streams[0].TierRetainBytes != 0 {
		t.Errorf("the camera is %+v", c)
	}
}

// TestApplyEventsShare ensures that a share of the quota for events counts the tier that comes
// in the same change, so that the file changes nothing the second time.
func TestApplyEventsShare(t *testing.T) {
	t.Parallel()
	a := newApplied(t, newStore(t))
	bulk := filepath.Join(t.TempDir(), "bulk")
	mustDo(t, os.Mkdir(bulk, 0o755))
	text := a.printed() + "[[dirs]]\npath = '" + bulk + "'\n[cameras.x]\nurl = 'rtsp://192.0.2.1/'\nretain = '1GB'\nretain-events = '40%'\n" +
		tierText("x.tier", bulk, "1d", "3GB")
	a.apply(text, exitOK, []string{"+ x: added, a quota of 1.0 GB, 1.6 GB of it for events", "+ x: main tier: none → to " + bulk}, "--yes")
	a.apply(text, exitOK, []string{"Nothing to change."})
}

// TestApplyFasterDisk ensures that one file has a camera record to a directory that is new, and
// its footage move to the one that it was recorded to, and that all of it can go back.
func TestApplyFasterDisk(t *testing.T) {
	t.Parallel()
	a := newApplied(t, teststore.New(t, 10))
	fast, samples := filepath.Join(t.TempDir(), "fast"), filepath.Join(a.store, "samples")
	plain := a.printed()
	recorded := strings.Replace(plain, "dir = '"+samples+"'", "dir = '"+fast+"'", 1)
	text := "[[dirs]]\npath = '" + fast + "'\n" + recorded + tierText("driveway.tier", samples, "10m", "1GB")
	a.apply(text, exitOK, []string{"main directory: " + samples + " → " + fast, "main tier: none → to " + samples, "1 directory added, 1 camera changed."})
	a.apply(text, exitOK, []string{"Nothing to change."})
	a.apply(a.printed(), exitOK, []string{"Nothing to change."})
	a.apply(plain, exitUsage, []string{"is not in the file", "main tier: to " + samples, "End moving its footage?"})
	a.apply(plain, exitOK, []string{"1 camera changed."}, "--yes")
	if c := storedCamera(t, a.store); c.Streams[0].TierRetainBytes != 0 || recordings(t, a.store, 1) != 10 {
		t.Errorf("the camera is %+v, with %d recordings", c, recordings(t, a.store, 1))
	}
}

// TestApplyPlacesRefused ensures that directories and tiers which make no sense are refused
// before anything is changed, without a secret in what is said.
func TestApplyPlacesRefused(t *testing.T) {
	t.Parallel()
	a, folder := newApplied(t, teststore.New(t, 10)), t.TempDir()
	bucket, credentials := objectstore.Start(t), objectstore.Credentials(t)
	bulk, full, readable := filepath.Join(folder, "bulk"), filepath.Join(folder, "full"), filepath.Join(folder, "readable")
	mustDo(t, os.MkdirAll(filepath.Join(full, "x"), 0o755))
	mustDo(t, os.WriteFile(readable, []byte("[default]\n"), 0o644))
	mustRun(t, "dir", "add", "--s3", bucket.URL+"2", "--credentials", credentials, "--store", newStore(t))
	plain := a.printed()
	_, cameras, _ := strings.Cut(plain, "\n\n") // behind the directories
	dir := func(lines ...string) string { return "[[dirs]]\n" + strings.Join(lines, "\n") + "\n" + plain }
	withBulk := dir("path = '" + bulk + "'")
	samples := filepath.Join(a.store, "samples")
	for text, want := range map[string]string{
		dir("path = 'bulk'"):                       "must be absolute",
		dir("path = '/x'", "s3 = 'https://h/b/p'"): "either path or s3",
		dir():                                    "either path or s3",
		dir("path = '/x'", "credentials = '/y'"): "credentials is for a bucket",
		dir("path = 'https://h/b/p'"):            "--s3",
		dir("path = '" + full + "'"):             "is not empty",
		dir("path = '" + filepath.Join(samples, "x") + "'"):              "it would be in the sample directory",
		dir("path = '" + samples + "'"):                                  "is in the file twice",
		dir("path = '"+bulk+"'", "[[dirs]]", "path = '"+bulk+"/'"):       "directory 2 of the file",
		dir("pth = '" + bulk + "'"):                                      "unknown key dirs.pth",
		dir("s3 = 'https://XUSERX:XPASSX@h/b/p'"):                        "credentials do not belong in a URL",
		dir("s3 = '"+bucket.URL+"'", "credentials = 'XTOKENX'"):          "absolute path",
		dir("s3 = '"+bucket.URL+"'", "credentials = '/none/at/all'"):     "no such file",
		dir("s3 = '"+bucket.URL+"'", "credentials = '"+readable+"'"):     "chmod 640",
		dir("s3 = '"+bucket.URL+"2'", "credentials = '"+credentials+"'"): "it is one already",
		dir("s3 = 'ftp://h/b/p'"):                                        "a bucket is given as",
		plain + tierText("driveway.tier", bulk, "3d", "1GB"):             "is not a directory of the store",
		plain + tierText("driveway.tier", samples, "3d", "1GB"):          "is recorded to",
		withBulk + tierText("driveway.tier", bulk, "9m", "1GB"):          "at least 10m",
		withBulk + tierText("driveway.tier", bulk, "3", "1GB"):           "the unit is missing",
		withBulk + tierText("driveway.tier", bulk, "3d", ""):             "--retain is missing",
		withBulk + tierText("driveway.sub-tier", bulk, "3d", "1GB"):      "it has no sub stream",
		withBulk + "[cameras.driveway.tier]\nto = 3\n":                   "[cameras.NAME.tier]",
		withBulk + tierText("driveway.tier", bulk, "3d", "1GB") + "x=1":  "unknown key cameras.driveway.tier.x",
		"[[dirs]]\npath = '" + bulk + "'\n" + cameras:                    "is not among the directories of the file",
	} {
		mustDo(t, os.WriteFile(a.file, []byte(text), 0o600))
		output, status := run(t, "apply", a.file, "--store", a.store, "--yes")
		if status == exitOK || !strings.Contains(output, want) || leaks(output) != "" {
			t.Errorf("%s: status %d, %q in %s", strings.ReplaceAll(text, plain, "…\n"), status, want, output)
		}
	}
	if now := a.printed(); now != plain || len(bucket.Objects(t)) > 1 {
		t.Errorf("the store has become %s", now)
	}
	if _, err := os.Stat(bulk); err == nil {
		t.Errorf("%s was made", bulk)
	}
}

// TestApplyBucket ensures that one file has a running recorder move all footage to a bucket, by
// whose bytes the mount is what it was; that no key is printed; and that the file of one store
// does not take the bucket for another.
func TestApplyBucket(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tool(t, "tar", "-C", folder, "-xzf", filepath.Join(oldStores, "version-1.tar.gz"))
	s := &bucketStore{
		T: t, path: filepath.Join(folder, "store"), bucket: objectstore.Start(t), digests: oldDigests(t, "version-1"), credentials: objectstore.Credentials(t),
	}
	a := newApplied(t, s.path)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", s.path)
	recorder.saw("msg=recording")
	dir := "[[dirs]]\ns3 = '" + s.bucket.URL + "/'\ncredentials = '" + s.credentials + "'\n"
	text := dir + a.printed() + tierText("yard.tier", s.bucket.URL, "10m", "1GB") + tierText("yard.sub-tier", s.bucket.URL, "1h", "1GB")
	a.apply(text, exitOK, []string{"+ " + s.bucket.URL, "with the access key in " + s.credentials}, "--dry-run")
	if n := len(s.bucket.Objects(t)); n > 0 {
		t.Errorf("a dry run has made %d objects", n)
	}
	a.apply(text, exitOK, []string{"1 directory added, 1 camera changed."})
	wait.Until(t, "all footage to move", func() bool { return s.local() == 0 })
	s.requireDigests(mountpoint, "after the move")
	a.apply(text, exitOK, []string{"Nothing to change."})

	printed := a.printed()
	if strings.Contains(printed, "testsecret") || !strings.Contains(printed, s.credentials) || strings.Contains(printed, "region") {
		t.Errorf("printed %s", printed)
	}
	a.apply(printed, exitOK, []string{"Nothing to change."})
	a.apply(strings.ReplaceAll(printed, s.credentials, "/elsewhere"), exitFailure, []string{"cannot be changed"})
	a.apply(strings.ReplaceAll(printed, "\ncredentials = '"+s.credentials+"'", ""), exitOK, []string{"Nothing to change."})
	other := newApplied(t, newStore(t))
	other.apply(dir+other.printed(), exitFailure, []string{"is not empty"}, "--dry-run")
	// The quota of what has moved is lowered: that is footage.
	a.apply(strings.Replace(text, "after = '10m'\nretain = '1GB'", "after = '10m'\nretain = '100kB'", 1), exitUsage, []string{"100 kB where it moves to", "is deleted at once", "--yes"})
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", s.path)
}
