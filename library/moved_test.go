// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// movingIndex is an index whose recordings move just after somebody has asked where their
// sample files are.
type movingIndex struct {
	*index.DB
	move func()
}

func (i *movingIndex) SampleFiles(ctx context.Context, ids []moonfirefs.RecordingID) ([]moonfirefs.SampleFile, error) {
	files, err := i.DB.SampleFiles(ctx, ids)
	if i.move != nil {
		i.move()
		i.move = nil
	}
	return files, err
}

// moveAll moves all recordings of the stream to the directory of its tier, and deletes their
// old files, as a recorder does.
func moveAll(t *testing.T, s *teststore.Store, to moonfirefs.SampleDirID) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tier := &moonfirefs.Tier{Stream: 1, SampleDir: to, RetainBytes: teststore.PlentyBytes}
	must(s.DB.SetTier(t.Context(), tier))
	moves, err := s.DB.NextMoves(t.Context(), tier, moonfirefs.MaxTime90k, 100)
	must(err)
	for i := range moves {
		m := &moves[i]
		must(s.DB.BeginMove(t.Context(), m))
		data, err := os.ReadFile(filepath.Join(s.Dirs[m.SampleDir].Path(), m.SampleFile.String()))
		must(err)
		must(os.WriteFile(filepath.Join(s.Dirs[to].Path(), m.SampleFile.String()), data, 0o400))
		must(s.DB.FinishMove(t.Context(), m))
		must(s.Dirs[m.SampleDir].Unlink(m.SampleFile))
		_, err = s.DB.Commit(t.Context(), &index.Change{Dir: m.SampleDir, Release: []uuid.UUID{m.SampleFile}})
		must(err)
	}
}

// TestOpenWhileMoving ensures that a file whose footage moves while it is opened can be read.
func TestOpenWhileMoving(t *testing.T) {
	path := teststore.NewWith(t, newYork, teststore.Camera{Name: "driveway", RetainBytes: teststore.PlentyBytes})
	added, err := store.AddDir(t.Context(), path, filepath.Join(t.TempDir(), "bulk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := teststore.MustOpen(t, path)
	err = s.Record(t.Context(), teststore.Take{
		Folder: "driveway", Start: teststore.At("2026-11-22T12:00:00-05:00"), Recordings: 3, Seconds: 60, Media: presentMedia,
	})
	if err != nil {
		t.Fatal(err)
	}
	moving := &movingIndex{DB: s.DB}
	c, err := New(Options{Index: moving, Dirs: s.Directories(), Zone: s.Zone})
	if err != nil {
		t.Fatal(err)
	}
	before := readHour(t, c)
	moving.move = func() { moveAll(t, s, added.ID) }
	if after := readHour(t, c); after != before {
		t.Error("the hour is another one")
	}
	if files, err := os.ReadDir(s.Dirs[added.ID].Path()); err != nil || len(files) < 3 {
		t.Errorf("nothing has moved: %v, %v", files, err)
	}
}

// readHour reads the one hour that there is.
func readHour(t *testing.T, c *Catalog) string {
	t.Helper()
	now, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	state := now.Folder("driveway")
	day, err := c.Day(t.Context(), state, civil.Date{Year: 2026, Month: 11, Day: 22})
	if err != nil || len(day.Versions) != 1 {
		t.Fatalf("%+v, %v", day, err)
	}
	f, err := c.Open(t.Context(), state.Stream, &day.Versions[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content := make([]byte, f.Size())
	if err := f.ReadAt(t.Context(), content, 0); err != nil {
		t.Fatal(err)
	}
	return string(content)
}
