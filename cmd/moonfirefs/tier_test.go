// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// shownFile is what can be seen of a file of the mount.
type shownFile struct {
	digest    string
	sizeBytes int64
	inode     uint64
}

// see reads a file to its end.
func see(t *testing.T, path string) shownFile {
	t.Helper()
	data, sizeBytes, err := readWhole(path)
	mustDo(t, err)
	info, err := os.Stat(path)
	mustDo(t, err)
	sum := sha256.Sum256(data)
	return shownFile{hex.EncodeToString(sum[:]), sizeBytes, info.Sys().(*syscall.Stat_t).Ino}
}

// rest reads what follows of an open file, and returns the digest of all of it.
func rest(t *testing.T, f *os.File, begun []byte) string {
	t.Helper()
	tail, err := io.ReadAll(f)
	mustDo(t, err)
	sum := sha256.Sum256(append(begun, tail...))
	return hex.EncodeToString(sum[:])
}

// TestTier ensures that footage moves to another directory while it is mounted, and that
// nobody notices: neither bytes, sizes nor inode numbers change, and a file that was opened
// before can be read to its end, also once its footage is deleted.
func TestTier(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tool(t, "tar", "-C", dir, "-xzf", filepath.Join(oldStores, "version-1.tar.gz"))
	path, bulk, mountpoint := filepath.Join(dir, "store"), filepath.Join(dir, "bulk"), newMountpoint(t)
	digests := oldDigests(t, "version-1")
	mustRun(t, "dir", "add", bulk, "--store", path)
	recorder := start(t, "run", mountpoint, "--store", path)
	recorder.saw("msg=recording")
	before := make(map[string]shownFile)
	for name, digest := range digests {
		before[name] = see(t, filepath.Join(mountpoint, name))
		if before[name].digest != digest {
			t.Fatalf("%s has SHA-256 %s, not %s", name, before[name].digest, digest)
		}
	}
	const hour = "yard/2026-11-30/00.mp4"
	open, err := os.Open(filepath.Join(mountpoint, hour))
	mustDo(t, err)
	defer open.Close()
	begun := make([]byte, 10_000)
	_, err = io.ReadFull(open, begun)
	mustDo(t, err)

	footage := sampleFiles(t, filepath.Join(path, "samples"))
	mustRun(t, "tier", "add", "yard", "--to", bulk, "--after", "10m", "--retain", "1GB", "--store", path)
	mustRun(t, "tier", "add", "yard/sub", "--to", bulk, "--after", "1h", "--retain", "1GB", "--store", path)
	wait.Until(t, "all footage to move", func() bool {
		for name := range digests {
			if during := see(t, filepath.Join(mountpoint, name)); during != before[name] {
				t.Fatalf("%s was %+v, and is %+v", name, before[name], during)
			}
		}
		return sampleFiles(t, bulk) == footage && sampleFiles(t, filepath.Join(path, "samples")) == 0
	})
	if got := rest(t, open, begun); got != digests[hour] {
		t.Errorf("a file that was open while it moved has SHA-256 %s", got)
	}
	for name := range digests {
		if after := see(t, filepath.Join(mountpoint, name)); after != before[name] {
			t.Errorf("%s was %+v, and is %+v", name, before[name], after)
		}
	}
	requireTiers(t, path, bulk)

	again, err := os.Open(filepath.Join(mountpoint, hour))
	mustDo(t, err)
	defer again.Close()
	mustRun(t, "keep", "--release", "visit", "--yes", "--store", path)
	mustRun(t, "delete", "yard", "2026-11-30 00:00", "01:00", "--yes", "--store", path)
	wait.Until(t, "the footage to be deleted", func() bool { return sampleFiles(t, bulk) < footage })
	if got := rest(t, again, nil); got != digests[hour] {
		t.Errorf("a file that was open while its footage was deleted has SHA-256 %s", got)
	}
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", path)
}

// requireTiers requires that what commands tell of tiers is right.
func requireTiers(t *testing.T, path, bulk string) {
	t.Helper()
	var tiers []tierEntry
	mustDo(t, json.Unmarshal([]byte(mustRun(t, "tier", "list", "--json", "--store", path)), &tiers))
	if len(tiers) != 2 || tiers[0].Folder != "yard" || tiers[1].Folder != "yard-sub" || tiers[0].Directory != bulk ||
		tiers[0].AfterSeconds != 600 || tiers[0].RetainBytes != 1e9 || tiers[0].SampleFileBytes == 0 || tiers[0].UnmovedBytes != 0 {
		t.Errorf("tiers: %+v", tiers)
	}
	requireOutput(t, exitOK, []string{"MOVES TO", bulk, "10 minutes", "of 1.0 GB"}, "tier", "list", "--store", path)
	output, _ := run(t, "status", "--store", path) // its cameras do not exist
	if !strings.Contains(output, "MOVES FROM") || !strings.Contains(output, "up to date") {
		t.Errorf("status:\n%s", output)
	}
}

// TestTierRefused ensures that what makes no sense is refused, and that footage is not
// deleted without a question.
func TestTierRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tool(t, "tar", "-C", dir, "-xzf", filepath.Join(oldStores, "version-1.tar.gz"))
	path, bulk := filepath.Join(dir, "store"), filepath.Join(dir, "bulk")
	mustRun(t, "dir", "add", bulk, "--store", path)
	add := func(camera, to, after, retain string) []string {
		return []string{"tier", "add", camera, "--to", to, "--after", after, "--retain", retain, "--store", path}
	}
	for text, args := range map[string][]string{
		"at least 10m":                    add("yard", bulk, "9m", "1GB"),
		"the unit is missing":             add("yard", bulk, "3", "1GB"),
		"not a size":                      add("yard", bulk, "3d", "much"),
		"--retain is missing":             {"tier", "add", "yard", "--to", bulk, "--after", "3d", "--store", path},
		"is not a directory of the store": add("yard", "/nowhere", "3d", "1GB"),
		"is recorded to":                  add("yard", filepath.Join(path, "samples"), "3d", "1GB"),
		"there is no camera":              add("garden", bulk, "3d", "1GB"),
		"does not move":                   {"tier", "remove", "yard", "--store", path},
	} {
		output, status := run(t, args...)
		if status == exitOK || !strings.Contains(output, text) {
			t.Errorf("%q: status %d, %q instead of %q", args, status, output, text)
		}
	}
	requireOutput(t, exitOK, []string{"warning: the quotas of what moves to", "footage stays where it is recorded"}, add("yard", bulk, "3d", "1000PB")...)
	mustRun(t, add("yard", bulk, "3d", "1GB")...)
	third := filepath.Join(dir, "third")
	mustRun(t, "dir", "add", third, "--store", path)
	requireOutput(t, exitFailure, []string{"moves to another directory already"}, add("yard", third, "3d", "1GB")...)
	requireOutput(t, exitFailure, []string{"footage moves to it"}, "dir", "remove", bulk, "--store", path)
	mustRun(t, "tier", "remove", "yard", "--store", path)
	mustRun(t, "dir", "remove", bulk, "--store", path)
}
