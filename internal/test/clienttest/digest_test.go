// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// digest lists all files below a directory with their modes, sizes and digests.
// It leaves out the shared memory of SQLite, where readers note what they read.
func digest(t *testing.T, root string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		sum, size, err := fileDigest(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(&list, "%s %d %s\n", strings.TrimPrefix(path, root), size, sum)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

// fileDigest reads a file to its end, and requires stat to have told its size.
func fileDigest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	if size, err = io.Copy(hash, f); err != nil {
		return "", 0, err
	}
	if size != info.Size() {
		return "", 0, fmt.Errorf("%s: stat says %d bytes, there are %d", path, info.Size(), size)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), size, nil
}

func mustDigest(t *testing.T, path string) string {
	t.Helper()
	sum, _, err := fileDigest(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
