// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/sample"
)

// TestTogether ensures that one barrier makes all files of a directory durable, with their
// names and modes, and that others are gone; and that without it they are not, so that the
// power cut of this test is one. Some files are appended to where there are blocks already,
// others get new ones.
func TestTogether(t *testing.T) {
	t.Parallel()
	for _, kind := range []filesystem{ext4, xfs} {
		for name, withBarrier := range map[string]bool{"with a barrier": true, "without": false} {
			t.Run(kind.name+", "+name, func(t *testing.T) {
				t.Parallel()
				disk := newImage(t, kind)
				path := filepath.Join(disk.path, "samples")
				requireNoError(t, sample.Create(path, sample.Identity{}))
				want := writeTogether(t, path, withBarrier)
				disk.cut()
				disk.remount()
				durable := 0
				for file, content := range want {
					if isAsBeforeCut(t, filepath.Join(path, file), content) {
						durable++
					}
				}
				if withBarrier && durable != len(want) || !withBarrier && durable == len(want) {
					t.Errorf("%d of %d files are as they were before the power cut", durable, len(want))
				}
			})
		}
	}
}

// writeTogether writes to files of a directory, and returns what is in those that are there
// in the end; nil for one that was unlinked.
func writeTogether(t *testing.T, path string, withBarrier bool) map[string][]byte {
	t.Helper()
	dir := sample.New(path, sample.Identity{}, sample.Recording)
	requireNoError(t, dir.Attach())
	defer dir.Close()
	if !dir.KeepsOrder() {
		t.Fatal("the file system is not known to keep the order of changes")
	}
	want := make(map[string][]byte)
	var files []*sample.NewFile
	appendTo := func(f *sample.NewFile, sizeBytes int) {
		data := bytes.Repeat([]byte{byte(len(files) + sizeBytes)}, sizeBytes)
		_, err := f.Write(data)
		requireNoError(t, err)
		want[filepath.Base(f.Name())] = append(want[filepath.Base(f.Name())], data...)
	}
	for range 16 {
		f, err := dir.Create(uuid.New())
		requireNoError(t, err)
		defer f.Close()
		files = append(files, f)
		if len(files)%2 == 0 {
			f.Preallocate(1 << 20)
		}
		appendTo(f, 100)
	}
	requireNoError(t, errors.Join(files[0].Sync(), files[1].Sync(), dir.Sync()))
	for i, f := range files {
		appendTo(f, 1+i%4*50_000)
	}
	gone := uuid.MustParse(filepath.Base(files[0].Name()))
	requireNoError(t, dir.Unlink(gone))
	want[gone.String()] = nil
	for _, f := range files {
		f.Seal()
		requireNoError(t, f.AwaitWriting())
	}
	if withBarrier {
		requireNoError(t, files[3].Barrier())
	}
	return want
}

// isAsBeforeCut tells whether a file has a content and is sealed, or is gone.
func isAsBeforeCut(t *testing.T, path string, content []byte) bool {
	t.Helper()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return content == nil
	}
	requireNoError(t, err)
	data, err := os.ReadFile(path)
	requireNoError(t, err)
	return content != nil && bytes.Equal(data, content) && info.Mode().Perm() == 0o400
}

func requireNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
