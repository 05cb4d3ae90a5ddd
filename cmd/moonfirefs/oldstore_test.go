// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// oldStores is the folder of the stores that older versions have made.
var oldStores = filepath.Join("..", "..", "testdata", "stores")

// oldDigests are those of the files that the mount of the version that made a store
// showed, by their paths in the mount.
func oldDigests(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(oldStores, name+".sha256"))
	mustDo(t, err)
	digests := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		digest, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
		digests[path] = digest
	}
	return digests
}

// requireFootage requires that a mount of a store shows these files.
func requireFootage(t *testing.T, path string, digests map[string]string) {
	t.Helper()
	mountpoint := newMountpoint(t)
	mount := start(t, "mount", mountpoint, "--store", path)
	mount.saw("mounted")
	for name, digest := range digests {
		data, size, err := readWhole(filepath.Join(mountpoint, name))
		sum := sha256.Sum256(data)
		if err != nil || int64(len(data)) != size || hex.EncodeToString(sum[:]) != digest {
			t.Errorf("%s: %d bytes of %d, SHA-256 %x, not %s, %v", name, len(data), size, sum, digest, err)
		}
	}
	mount.stop()
}

func requireSchemaVersion(t *testing.T, database, want string) {
	t.Helper()
	if got := strings.TrimSpace(tool(t, "sqlite3", database, "pragma user_version")); got != want {
		t.Errorf("%s has version %s, not %s", database, got, want)
	}
}

// TestOldStore ensures that the store of an older version shows the same bytes as ever,
// and nothing wrong, to commands that only read, which leave it as it is; and likewise
// once this version has recorded to it.
func TestOldStore(t *testing.T) {
	t.Parallel()
	for version, count := range map[string]int{"1": 11, "4": 10, "5": 9, "6": 9, "7": 14, "8": 13} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			requireOldStore(t, version, count)
		})
	}
}

func requireOldStore(t *testing.T, version string, count int) {
	t.Helper()
	dir := t.TempDir()
	tool(t, "tar", "-C", dir, "-xzf", filepath.Join(oldStores, "version-"+version+".tar.gz"))
	path := filepath.Join(dir, "store")
	database := filepath.Join(path, "moonfire.db")
	digests := oldDigests(t, "version-"+version)

	requireFootage(t, path, digests)
	requireExport(t, path, digests)
	requireOutput(t, exitOK, []string{"yard", "yard-sub"}, "list", "--store", path)
	requireOutput(t, exitOK, []string{fmt.Sprintf("Clean: %d recordings", count)}, "check", "--hash", "--store", path)
	requireSchemaVersion(t, database, version)

	camera := startCamera(t, testcamera.Config{KeepSent: 1})
	mustRun(t, "camera", "edit", "yard", "--no-test", "--url", camera.URL(), "--store", path)
	current := strconv.Itoa(moonfirefs.SchemaVersion)
	requireSchemaVersion(t, database, current)
	if version != current {
		requireSchemaVersion(t, database+".version-"+version, version)
	}
	n := recordings(t, path, 1)
	recorder := start(t, "run", newMountpoint(t), "--store", path, "--rotate-every", "1s")
	waitForRecordings(t, path, n+2)
	recorder.stop()
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--hash", "--store", path)
	for name := range digests {
		// It has lost a recording, and is not the newest any more.
		if strings.HasPrefix(name, "yard/2") {
			delete(digests, name)
		}
	}
	requireFootage(t, path, digests)
}

// requireExport requires that the clip among the files can be exported.
func requireExport(t *testing.T, path string, digests map[string]string) {
	t.Helper()
	for name, digest := range digests {
		if filepath.Base(filepath.Dir(name)) != "clips" {
			continue
		}
		from, to, _ := strings.Cut(strings.ReplaceAll(strings.TrimSuffix(filepath.Base(name), ".mp4"), ".", ":"), "--")
		file := filepath.Join(t.TempDir(), "clip.mp4")
		mustRun(t, "export", "yard", from, to, "-o", file, "--store", path)
		data, err := os.ReadFile(file)
		if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != digest {
			t.Errorf("the clip has SHA-256 %x, not %s, %v", sum, digest, err)
		}
	}
}
