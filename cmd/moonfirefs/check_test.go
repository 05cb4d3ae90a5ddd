// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// requireOutput runs the program and requires an exit status and texts.
func requireOutput(t *testing.T, wantStatus int, wantTexts []string, args ...string) {
	t.Helper()
	output, status := run(t, args...)
	asWanted := func() bool {
		return status == wantStatus && !slices.ContainsFunc(wantTexts, func(text string) bool { return !strings.Contains(output, text) })
	}
	// A process that another test is just starting has our locks until it runs its
	// program.
	wait.Poll(func() bool {
		if asWanted() || !strings.Contains(output, "store is in use") {
			return true
		}
		output, status = run(t, args...)
		return false
	})
	if status != wantStatus {
		t.Fatalf("moonfirefs %s: status %d, want %d: %s", strings.Join(args, " "), status, wantStatus, output)
	}
	for _, text := range wantTexts {
		if !strings.Contains(output, text) {
			t.Errorf("moonfirefs %s printed %q, want %q in it", strings.Join(args, " "), output, text)
		}
	}
}

// sampleFile is the path of a recording's sample file.
func sampleFile(t *testing.T, path string, id moonfirefs.RecordingID) string {
	t.Helper()
	s := teststore.OpenAs(t, path, store.Reading)
	defer s.Close()
	files, err := s.DB.SampleFiles(t.Context(), []moonfirefs.RecordingID{id})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(path, "samples", files[0].UUID.String())
}

func TestCheckStatus(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 3)
	requireOutput(t, exitOK, []string{"Clean: 3 recordings, 3 sample files, 15 kB"}, "check", "--store", path, "--hash")
	requireOutput(t, exitOK, []string{"checking   0%", "/15 kB", "Clean"}, "check", "--store", path, "--hash", "--progress")
	requireStatusWithoutOutput(t, exitUnchecked, "check", "--store", path)
	requireOutput(t, exitUnchecked, []string{"moonfirefs init"}, "check", "--store", t.TempDir())
	if err := os.Remove(sampleFile(t, path, 2)); err != nil {
		t.Fatal(err)
	}
	requireOutput(t, exitFailure, []string{"missing: recording 2 ", "moonfirefs repair drop-missing 2", "1 finding"}, "check", "--store", path)
	if err := os.Remove(filepath.Join(path, "samples", "meta")); err != nil {
		t.Fatal(err)
	}
	requireOutput(t, exitUnchecked, []string{"is its disk mounted?"}, "check", "--store", path)
}

// TestProgressBar ensures that the bar shows how much is done, how fast, and how
// long the rest will take.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]bool{"MB/s": true, "recordings/": false} {
		var out strings.Builder
		show, end := showChecking(&out, hash)
		done := int64(0)
		wait.Until(t, name, func() bool {
			done += 100_000
			show(check.Progress{Recordings: done, TotalRecordings: 1 << 30, Bytes: done, TotalBytes: 1 << 30})
			return strings.Contains(out.String(), name) && strings.Contains(out.String(), "checking   1%") && strings.Contains(out.String(), "s:")
		})
		end()
	}
}

// TestRepairs ensures that each verb acts on what it is given and on nothing else,
// says what it did, deletes no file, and leaves a store that is in order.
func TestRepairs(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 6)
	paths := make(map[moonfirefs.RecordingID]string)
	for id := range moonfirefs.RecordingID(7) {
		if id > 0 {
			paths[id] = sampleFile(t, path, id)
		}
	}
	samples := filepath.Join(path, "samples")
	orphans := []string{"01234567-89ab-cdef-0123-456789abcdef", "11234567-89ab-cdef-0123-456789abcdef"}
	for _, name := range orphans {
		mustDo(t, os.WriteFile(filepath.Join(samples, name), []byte(name), 0o600))
	}
	mustDo(t, os.Remove(paths[1]), os.Remove(paths[2]))
	mustDo(t, os.Truncate(paths[3], 17), os.WriteFile(paths[4], make([]byte, 5000), 0o600))
	in := []string{"--store", path}
	command := func(words ...string) []string { return append(append([]string{"repair"}, words...), in...) }

	requireOutput(t, exitFailure, []string{"6 findings"}, "check", "--store", path, "--hash")
	for _, refused := range [][]string{
		{"move-orphans"}, {"drop-missing"}, {"move-corrupt"}, {"drop-missing", "one"}, {"move-orphans", "x"}, {"move-orphans", "--all", orphans[0]},
	} {
		requireOutput(t, exitUsage, nil, command(refused...)...)
	}
	requireOutput(t, exitFailure, []string{"not an orphan"}, command("move-orphans", filepath.Base(paths[5]))...)
	requireOutput(t, exitFailure, []string{"not missing"}, command("drop-missing", "3")...)
	requireOutput(t, exitFailure, []string{"not damaged"}, command("move-corrupt", "5")...)
	requireOutput(t, exitFailure, []string{"recording 77 is not in the index"}, command("drop-missing", "77")...)
	requireOutput(t, exitFailure, []string{"6 findings"}, "check", "--store", path, "--hash")

	requireOutput(t, exitOK, []string{"Moved orphan " + orphans[0], "aside/" + orphans[0], "1 file moved"}, command("move-orphans", orphans[0])...)
	requireOutput(t, exitFailure, []string{"5 findings"}, "check", "--store", path, "--hash")
	requireOutput(t, exitOK, []string{orphans[1], "1 file moved"}, command("move-orphans", "--all")...)
	requireOutput(t, exitOK, []string{"recording 2 ", "1 recording dropped"}, command("drop-missing", "2")...)
	requireOutput(t, exitOK, []string{"recording 1 ", "1 recording dropped"}, command("drop-missing", "--all")...)
	requireOutput(t, exitOK, []string{"recording 3 ", "1 recording moved"}, command("move-corrupt", "--all")...)
	requireOutput(t, exitOK, []string{"recording 4 ", "1 recording moved"}, command("move-corrupt", "4")...)
	requireOutput(t, exitOK, []string{"Clean: 2 recordings, 2 sample files"}, "check", "--store", path, "--hash")
	for _, name := range append(orphans, filepath.Base(paths[3]), filepath.Base(paths[4]), filepath.Base(paths[4])+".json") {
		if _, err := os.Stat(filepath.Join(samples, "aside", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestRepairAlone ensures that nothing is repaired while somebody uses the store.
func TestRepairAlone(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 1)
	s := teststore.OpenAs(t, path, store.Reading)
	requireOutput(t, exitFailure, []string{"another process uses it"}, "repair", "move-orphans", "--all", "--store", path)
	mustDo(t, s.Close())
	s = teststore.OpenAs(t, path, store.Repairing)
	requireOutput(t, exitUnchecked, []string{"being repaired"}, "check", "--store", path)
	mustDo(t, s.Close())
}

func TestRecount(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 2)
	sqlite(t, path, `update stream set sample_file_bytes = 1, duration_90k = 2`)
	requireOutput(t, exitFailure, []string{"totals: stream 1 says 1 bytes"}, "check", "--store", path)
	requireOutput(t, exitOK, []string{"Stream 1: 10000 bytes instead of 1", "1 stream corrected"}, "repair", "recount", "--store", path)
	checktest.Require(t, path)
}

// TestCheckRooms ensures that check finds what is wrong with the databases beside the index, and
// that what it says to do about it helps.
func TestCheckRooms(t *testing.T) {
	t.Parallel()
	path := teststore.New(t, 2)
	inStore := func(name string) string { return filepath.Join(path, name) }
	// pictured runs a recorder until previews.db tells of so many recordings.
	pictured := func(want string, flags ...string) {
		t.Helper()
		run := start(t, append([]string{"run", newMountpoint(t), "--store", path}, flags...)...)
		run.saw("msg=recording")
		wait.Until(t, "there are "+want+" pictures", func() bool {
			out, err := exec.Command("sqlite3", "-readonly", inStore("previews.db"), "select count(*) from picture").Output()
			return err == nil && strings.TrimSpace(string(out)) == want
		})
		run.stop()
	}
	requireOutput(t, exitOK, nil, "event", "add", "--store", path, "driveway", "person", "--from", "2026-11-22T13:00:00Z")
	checktest.Require(t, path)
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path)

	tool(t, "sqlite3", inStore("events.db"), "update store set uuid = randomblob(16)")
	requireOutput(t, exitFailure, []string{"events: events.db: it is of another store", "move events.db* away"}, "check", "--store", path)
	mustDo(t, os.WriteFile(inStore("events.db"), bytes.Repeat([]byte("none"), 5000), 0o600))
	requireOutput(t, exitFailure, []string{"events: events.db: "}, "check", "--store", path)
	mustDo(t, os.Rename(inStore("events.db"), inStore("damaged")))
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path)

	mustDo(t, os.WriteFile(inStore("previews.db"), bytes.Repeat([]byte("none"), 5000), 0o600))
	requireOutput(t, exitFailure, []string{"previews: previews.db: ", "delete previews.db*"}, "check", "--store", path)
	mustDo(t, os.Remove(inStore("previews.db")))
	pictured("2", "--previews", "all")
	tool(t, "sqlite3", inStore("previews.db"), "insert into picture values (77, 1, 90000, x'ffd8'), (78, 1, 9000000000000, x'ffd8'), (79, 5, 90000, x'ffd8')")
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path) // a recorder could be at it
	old := time.Now().Add(-time.Hour)
	mustDo(t, os.Chtimes(inStore("previews.db"), old, old))
	requireOutput(t, exitFailure, []string{"previews: previews.db has 3 pictures of footage that is gone"}, "check", "--store", path)
	pictured("2")
	requireOutput(t, exitOK, []string{"Clean"}, "check", "--store", path)
}

// sqlite changes a database with the real sqlite3.
func sqlite(t *testing.T, path, query string) {
	t.Helper()
	tool(t, "sqlite3", filepath.Join(path, "moonfire.db"), query)
}

func mustDo(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusedMismatch ensures that nothing is recorded where index and footage are
// not of the same store or not of the same time: one line says so, nothing is
// deleted, and where they are of the same store the footage can still be mounted.
func TestRefusedMismatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		breakIt  func(t *testing.T, path string)
		want     string
		readable bool
	}{
		"not mounted": {
			func(t *testing.T, path string) {
				mustDo(t, os.Rename(filepath.Join(path, "samples"), filepath.Join(path, "elsewhere")), os.Mkdir(filepath.Join(path, "samples"), 0o700))
			}, "is its disk mounted?", false,
		},
		"not there": {
			func(t *testing.T, path string) {
				mustDo(t, os.Rename(filepath.Join(path, "samples"), filepath.Join(path, "elsewhere")))
			}, "no such file or directory", false,
		},
		"another store's": {
			func(t *testing.T, path string) {
				other := teststore.New(t, 2)
				mustDo(t, os.Rename(filepath.Join(path, "samples"), filepath.Join(path, "elsewhere")),
					os.Rename(filepath.Join(other, "samples"), filepath.Join(path, "samples")))
			}, "it belongs to store", false,
		},
		"older index": {
			func(t *testing.T, path string) {
				old := copyFile(t, filepath.Join(path, "moonfire.db"))
				teststore.Append(t, path, 2)
				restore(t, path, old)
			}, "the index is older", true,
		},
		"index from before the end": {
			func(t *testing.T, path string) {
				sqlite(t, path, `update open set end_time_90k = null`)
			}, "the index is older", true,
		},
		"older directory": {
			func(t *testing.T, path string) {
				meta := filepath.Join(path, "samples", "meta")
				old := copyFile(t, meta)
				teststore.Append(t, path, 2)
				mustDo(t, os.Rename(old, meta))
			}, "the directory is older", true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := teststore.New(t, 3)
			mustRun(t, "camera", "add", "--no-test", "--store", path, "garden", "rtsp://127.0.0.1:1/", "--retain", "1B")
			test.breakIt(t, path)
			// A start would delete all of it.
			sqlite(t, path, `update stream set retain_bytes = 1; insert or ignore into reserved_sample_files select sample_file_uuid, 1, 'writing' from recording limit 1`)
			before := tree(t, path)
			recorder := start(t, "run", newMountpoint(t), "--store", path)
			recorder.wait()
			output := recorder.output.String()
			if recorder.err == nil || !strings.Contains(output, test.want) || strings.Count(output, "\n") != 1 {
				t.Errorf("%v, %q, want one line with %q", recorder.err, output, test.want)
			}
			if diff := cmp.Diff(before, tree(t, path)); diff != "" {
				t.Errorf("-there was +there is:\n%s", diff)
			}
			s, err := store.Open(t.Context(), path, store.Reading, nil)
			if (err == nil) != test.readable {
				t.Errorf("open for reading: %v", err)
			}
			if err == nil {
				mustDo(t, s.Close())
			}
		})
	}
}

// tree lists the sample files below a store with their sizes.
func tree(t *testing.T, path string) string {
	t.Helper()
	var list strings.Builder
	for _, pattern := range []string{"samples/*-*", "elsewhere/*-*"} {
		paths, err := filepath.Glob(filepath.Join(path, pattern))
		mustDo(t, err)
		for _, p := range paths {
			info, err := os.Stat(p)
			mustDo(t, err)
			fmt.Fprintf(&list, "%s %d\n", p, info.Size())
		}
	}
	return list.String()
}

// copyFile copies a file to a directory of its own.
func copyFile(t *testing.T, path string) (copied string) {
	t.Helper()
	data, err := os.ReadFile(path)
	mustDo(t, err)
	copied = filepath.Join(t.TempDir(), filepath.Base(path))
	mustDo(t, os.WriteFile(copied, data, 0o600))
	return copied
}

// restore puts a copy of the index in the place of the index, as docs/index-backup.md
// says.
func restore(t *testing.T, path, backup string) {
	t.Helper()
	aside := t.TempDir()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		name := "moonfire.db" + suffix
		if err := os.Rename(filepath.Join(path, name), filepath.Join(aside, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(backup)
	mustDo(t, err)
	mustDo(t, os.WriteFile(filepath.Join(path, "moonfire.db"), data, 0o600))
}
