// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/pages"
)

// keeper is another process that keeps footage of the main stream.
type keeper struct {
	testing.TB
	store *store.Store
}

func newKeeper(t testing.TB, path string) *keeper {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Configuring, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &keeper{t, s}
}

func (k *keeper) keep(name, from, to string) {
	k.Helper()
	cameras, err := k.store.DB.Cameras(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	err = k.store.DB.Keep(k.Context(), &moonfirefs.Kept{
		Stream: cameras[0].Streams[0].ID, Name: name, Start90k: at(k, from), End90k: at(k, to),
	})
	if err != nil {
		k.Fatal(err)
	}
}

func (k *keeper) release(name string) {
	k.Helper()
	if err := k.store.DB.Unkeep(k.Context(), name); err != nil {
		k.Fatal(err)
	}
}

// everyMinute records ten seconds of each minute.
func everyMinute(t testing.TB, from string, count, footage int) take {
	return take{Start90k: at(t, from), Gap90k: seconds(50), Count: count, Seconds: 10, Media: footage}
}

// Ensures that kept footage is the clip of that interval, that it never changes
// while retention goes on around it and hides the rest of its hour, that a restart
// changes nothing, and that it goes when it is released.
func TestKept(t *testing.T) {
	bothWays(t, 8*recordingBytes(10), func(t *testing.T, path string, s *server, record func(take)) {
		record(everyMinute(t, "2026-11-22T12:00:00-05:00", 6, 0))
		k := newKeeper(t, path)
		if got := names(t, s.path("saved")); len(got) != 0 {
			t.Errorf("saved holds %q", got)
		}
		k.keep("burglary", "2026-11-22T12:02:05-05:00", "2026-11-22T12:04:05-05:00")
		k.keep("nothing", "2026-11-21T12:02:05-05:00", "2026-11-21T12:04:05-05:00")
		wait.Until(t, "it is listed", func() bool { return slices.Equal(names(t, s.path("saved")), []string{"burglary.mp4"}) })
		file := s.path("saved", "burglary.mp4")
		whole := mustRead(t, s.path("driveway", "clips", "2026-11-22T12.02.05--12.04.05.mp4"))
		if !bytes.Equal(mustRead(t, file), whole) {
			t.Error("it differs from the clip")
		}
		checkAttributes(t, file, syscall.S_IFREG|0o400, at(t, "2026-11-22T12:04:05-05:00"), make(map[uint64]string))
		end := at(t, "2026-11-22T12:04:05-05:00")
		wait.Until(t, "the folder has its time stamp", func() bool {
			return stat(t, s.path("saved")).Mtim.Sec == end.Time().Unix()
		})
		checkAttributes(t, s.path("saved"), syscall.S_IFDIR|0o500, end, make(map[uint64]string))
		before := stat(t, file)
		handle, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer handle.Close()

		record(everyMinute(t, "2026-11-22T13:00:00-05:00", 40, 0))
		wait.Until(t, "the rest of the hour is gone", func() bool {
			return slices.Equal(names(t, s.path("driveway", "2026-11-22")), []string{"13.mp4"})
		})
		if after := stat(t, file); !bytes.Equal(mustRead(t, file), whole) || after.Ino != before.Ino || after.Mtim != before.Mtim {
			t.Errorf("it has changed: inode %d, then %d", before.Ino, after.Ino)
		}
		again := startServer(t, serveOptions{Store: path})
		if after := stat(t, again.path("saved", "burglary.mp4")); !bytes.Equal(mustRead(t, again.path("saved", "burglary.mp4")), whole) || after.Ino != before.Ino {
			t.Error("it is another file in another mount")
		}
		checkKeptPages(t, s, int64(len(whole)))

		k.release("burglary")
		wait.Until(t, "it is gone", func() bool {
			_, err := os.Stat(file)
			return errors.Is(err, fs.ErrNotExist)
		})
		record(everyMinute(t, "2026-11-22T14:00:00-05:00", 20, 0))
		if data, err := io.ReadAll(handle); err != nil || !bytes.Equal(data, whole) {
			t.Errorf("the handle that was open reads %d of %d bytes: %v", len(data), len(whole), err)
		}
	})
}

// checkKeptPages requires the pages to tell of burglary.mp4.
func checkKeptPages(t *testing.T, s *server, sizeBytes int64) {
	t.Helper()
	var root struct {
		Saved   []map[string]any
		Cameras []struct {
			Streams map[string]struct{ KeptBytes, TotalSampleFileBytes int64 }
		}
	}
	if err := json.Unmarshal(mustRead(t, s.path(pages.JSONName)), &root); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"file": "saved/burglary.mp4", "folder": "driveway", "bytes": float64(sizeBytes),
		"startTime90k": float64(at(t, "2026-11-22T12:02:05-05:00")), "endTime90k": float64(at(t, "2026-11-22T12:04:05-05:00")),
	}}
	if text, err := json.Marshal(root.Saved); err != nil || string(text) != string(mustMarshal(t, want)) {
		t.Errorf("index.json tells of %s", text)
	}
	if main := root.Cameras[0].Streams["main"]; main.KeptBytes <= 0 || main.KeptBytes > 3*recordingBytes(10) {
		t.Errorf("index.json says that %d bytes are kept", main.KeptBytes)
	}
	page := string(mustRead(t, s.path(pages.HTMLName)))
	for _, text := range []string{`<a href="saved/burglary.mp4">burglary.mp4</a>`, "2026-11-22 12:02:05 – 2026-11-22 12:04:05", "<dt>Kept</dt>"} {
		if !strings.Contains(page, text) {
			t.Errorf("index.html does not have %s", text)
		}
	}
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Ensures that footage which is kept while it is being recorded grows like the
// newest hour, in one file for each sample entry, and is complete once its
// interval is over.
func TestKeptGrows(t *testing.T) {
	bothWays(t, unlimited, func(t *testing.T, path string, s *server, record func(take)) {
		record(everyMinute(t, "2026-11-22T12:00:00-05:00", 2, 0))
		newKeeper(t, path).keep("gate-2", "2026-11-22T12:01:00-05:00", "2026-11-22T12:06:00-05:00")
		var sizes []int64
		for i, minute := range []string{"02", "03", "07", "08"} {
			record(everyMinute(t, "2026-11-22T12:"+minute+":00-05:00", 1, 0))
			var size int64
			wait.Until(t, "it has grown", func() bool {
				size = stat(t, s.path("saved", "gate-2.mp4")).Size
				return i >= 2 || len(sizes) == 0 || size > sizes[len(sizes)-1]
			})
			if data, err := readWithStat(s.path("saved", "gate-2.mp4")); err != nil || int64(len(data)) != size {
				t.Fatalf("%d bytes instead of %d: %v", len(data), size, err)
			}
			sizes = append(sizes, size)
		}
		if sizes[1] != sizes[3] {
			t.Errorf("it grows beyond its interval: %d", sizes)
		}
		record(everyMinute(t, "2026-11-22T12:05:00-05:00", 1, 1)) // the clock was set back
		wait.Until(t, "there is a second part", func() bool {
			return slices.Equal(names(t, s.path("saved")), []string{"gate-2-2.mp4", "gate-2.mp4"})
		})
		for _, missing := range []string{"gate-2-3.mp4", "gate-2-1.mp4", "gate-2-02.mp4", "gate.mp4", "gate-2", "Gate-2.mp4"} {
			if _, err := os.Stat(s.path("saved", missing)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", missing, err)
			}
		}
	})
}
