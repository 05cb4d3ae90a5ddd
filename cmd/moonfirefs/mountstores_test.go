// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// newStoreIn makes a store with a camera driveway, and one that no other store has, in a
// folder of stores. Its cameras have n recordings each.
func newStoreIn(t *testing.T, folder, name string, n int) (path string) {
	t.Helper()
	path = filepath.Join(folder, name)
	mustDo(t, teststore.Create(t.Context(), path, "UTC",
		teststore.Camera{Name: teststore.Driveway, RetainBytes: teststore.PlentyBytes},
		teststore.Camera{Name: "only " + name, RetainBytes: teststore.PlentyBytes}))
	teststore.Append(t, path, n)
	return path
}

// foldersOf lists the folders of cameras.
func foldersOf(t *testing.T, mountpoint string) string {
	t.Helper()
	entries, err := os.ReadDir(mountpoint)
	mustDo(t, err)
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "saved" {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, ", ")
}

// indexOf reads index.json of several stores.
func indexOf(t *testing.T, mountpoint string) (page struct {
	TimeZoneName string
	Cameras      []struct {
		Store   string
		Streams map[string]struct{ Folder string }
	}
	Saved  []struct{ File, Folder string }
	Stores []struct {
		Name, Problem string
		OK            bool
		Cameras       int
	}
}) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(mountpoint, "index.json"))
	mustDo(t, err, json.Unmarshal(data, &page))
	return page
}

// problemOf is what index.json says of a store.
func problemOf(t *testing.T, mountpoint, store string) string {
	t.Helper()
	for _, s := range indexOf(t, mountpoint).Stores {
		if s.Name == store {
			return s.Problem
		}
	}
	return "not there"
}

// filesOf reads all that a tree has: the bytes of each file.
func filesOf(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	mustDo(t, filepath.WalkDir(root, func(path string, e iofs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all[path[len(root)+1:]], err = os.ReadFile(path)
		}
		return err
	}))
	return all
}

// TestMountStores ensures that several stores are one tree: with the bytes and the inode
// numbers that each has in a mount of its own, under names that say the store where two have
// the same, and with pages that tell of all.
func TestMountStores(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	house, barn := newStoreIn(t, folder, "house", 5), newStoreIn(t, folder, "barn", 3)
	for _, path := range []string{house, barn} {
		mustRun(t, "keep", "--store", path, teststore.Driveway, "1970-01-01 00:00:01", "00:00:03", "--name", "burglary")
	}
	all, own := newMountpoint(t), newMountpoint(t)
	mounted := start(t, "mount", all, "--stores", folder)
	single := start(t, "mount", own, "--store", house)
	mounted.saw("mounted")
	single.saw("mounted")

	if got, want := foldersOf(t, all), "driveway@barn, driveway@house, only barn, only house"; got != want {
		t.Errorf("the folders are %s, not %s", got, want)
	}
	want := filesOf(t, filepath.Join(own, "driveway"))
	got := filesOf(t, filepath.Join(all, "driveway@house"))
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s is another file than in a mount of its own store", name)
		}
	}
	if len(got) != len(want) || len(want) < 3 {
		t.Errorf("%d files, and %d in a mount of its own store", len(got), len(want))
	}
	requireUniqueInodes(t, all)
	requireSameInodes(t, filepath.Join(own, "driveway"), filepath.Join(all, "driveway@house"))

	page := indexOf(t, all)
	if len(page.Cameras) != 4 || len(page.Stores) != 2 || !page.Stores[0].OK || page.Stores[1].Cameras != 2 || page.TimeZoneName != "UTC" {
		t.Errorf("index.json: %+v", page)
	}
	for _, kept := range page.Saved {
		if data, err := os.ReadFile(filepath.Join(all, kept.File)); err != nil || len(data) == 0 {
			t.Errorf("%s: %v", kept.File, err)
		}
	}
	if names := filesOf(t, filepath.Join(all, "saved")); len(names) != 2 || names["burglary@house.mp4"] == nil || names["burglary@barn.mp4"] == nil {
		t.Errorf("kept are %d files", len(names))
	}
	if html, err := os.ReadFile(filepath.Join(all, "index.html")); err != nil || !bytes.Contains(html, []byte(`href="driveway@house/index.html"`)) {
		t.Errorf("index.html does not link to a camera: %v", err)
	}

	teststore.Append(t, barn, 2) // while it is mounted
	newStoreIn(t, folder, "shed", 1)
	wait.Until(t, "the new store is shown", func() bool { return strings.Contains(foldersOf(t, all), "driveway@shed") })
	wait.Until(t, "new footage is shown", func() bool {
		info, err := os.Stat(filepath.Join(all, "driveway@barn"))
		return err == nil && info.ModTime().Unix() >= 6
	})
}

// requireUniqueInodes ensures that no two things in a tree have the same inode number.
func requireUniqueInodes(t *testing.T, root string) {
	t.Helper()
	paths := make(map[uint64]string)
	mustDo(t, filepath.WalkDir(root, func(path string, _ iofs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(filepath.Base(path), ".") || strings.Contains(path, "/saved/") {
			return err
		}
		inode := inodeOf(t, path)
		if other := paths[inode]; other != "" {
			t.Errorf("%s and %s have the same inode number", path, other)
		}
		paths[inode] = path
		return nil
	}))
}

// requireSameInodes ensures that the files of footage of two trees have the same numbers.
func requireSameInodes(t *testing.T, one, other string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(one, "*-*-*", "*.mp4"))
	mustDo(t, err)
	for _, path := range paths {
		if inodeOf(t, path) != inodeOf(t, filepath.Join(other, path[len(one):])) {
			t.Errorf("%s has another inode number", path)
		}
	}
}

func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	mustDo(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// TestStoreGoesAndComes ensures that a store whose index is gone, or is not one any more,
// costs its own cameras only, keeps the names of the others as they are, and is back when its
// index is.
func TestStoreGoesAndComes(t *testing.T) {
	t.Parallel()
	folder, aside := t.TempDir(), t.TempDir()
	house, barn := newStoreIn(t, folder, "house", 4), newStoreIn(t, folder, "barn", 3)
	mountpoint := newMountpoint(t)
	mounted := start(t, "mount", mountpoint, "--store", house, "--store", "stable="+barn)
	mounted.saw("mounted")
	const both = "driveway@house, driveway@stable, only barn, only house"
	want := filesOf(t, filepath.Join(mountpoint, "driveway@stable"))
	for _, damage := range []string{"", "Dear diary"} {
		database := filepath.Join(barn, "moonfire.db")
		mustDo(t, os.Rename(database, filepath.Join(aside, "moonfire.db")))
		if damage != "" {
			mustDo(t, os.WriteFile(database, []byte(damage), 0o600))
		}
		wait.Until(t, "the store is gone", func() bool { return foldersOf(t, mountpoint) == "driveway@house, only house" })
		if problem := problemOf(t, mountpoint, "stable"); problem == "" {
			t.Error("index.json does not say what is wrong")
		}
		if problem := problemOf(t, mountpoint, "house"); problem != "" {
			t.Errorf("the other store: %s", problem)
		}
		if files := filesOf(t, filepath.Join(mountpoint, "driveway@house")); len(files) < 3 {
			t.Errorf("the other store has %d files", len(files))
		}
		mustDo(t, os.Rename(filepath.Join(aside, "moonfire.db"), database))
		wait.Until(t, "the store is back", func() bool { return foldersOf(t, mountpoint) == both && problemOf(t, mountpoint, "stable") == "" })
		for name, data := range filesOf(t, filepath.Join(mountpoint, "driveway@stable")) {
			if !bytes.Equal(want[name], data) {
				t.Errorf("%s is another file than before", name)
			}
		}
	}
}

// TestMountStoresRefusals ensures that stores which cannot be told apart are refused, and that
// a copy of a store is not shown beside it.
func TestMountStoresRefusals(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	house := newStoreIn(t, folder, "house", 1)
	for _, second := range []string{filepath.Join(folder, "yard", "house"), "House=" + folder, "a@b=" + folder} {
		if output, status := run(t, "mount", newMountpoint(t), "--store", house, "--store", second); status != exitUsage {
			t.Errorf("--store %s: status %d: %s", second, status, output)
		}
	}
	tool(t, "cp", "-r", house, filepath.Join(folder, "copy"))
	mountpoint := newMountpoint(t)
	mounted := start(t, "mount", mountpoint, "--store", house, "--store", filepath.Join(folder, "copy"), "--store", filepath.Join(folder, "nothing"), "--store-names")
	mounted.saw("mounted")
	if got, want := foldersOf(t, mountpoint), "driveway@house, only house@house"; got != want {
		t.Errorf("the folders are %s, not %s", got, want)
	}
	problems := []string{problemOf(t, mountpoint, "copy"), problemOf(t, mountpoint, "nothing"), problemOf(t, mountpoint, "house")}
	if !strings.Contains(problems[0], "copy of the store house") || !strings.Contains(problems[1], "it has no moonfire.db") || problems[2] != "" {
		t.Errorf("index.json says %q", problems)
	}
	if slices.Contains(strings.Split(foldersOf(t, mountpoint), ", "), "driveway") {
		t.Error("a name without that of its store")
	}
}
