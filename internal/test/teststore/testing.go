// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

const (
	// Driveway is the name of the camera that New adds.
	Driveway = "driveway"
	// PlentyBytes is a quota that no test reaches.
	PlentyBytes = 1 << 40
	// AppendedBytes is how large the sample files are that Append makes.
	AppendedBytes = 5000
)

var simple = MadeUp(Params{Codec: H264, Width: 640, Height: 360, FPS: 5, Seconds: 60}, AppendedBytes/5)

// New makes a store in UTC with the camera Driveway and n recordings, as Append makes
// them, closed in order.
func New(tb testing.TB, n int) (path string) {
	tb.Helper()
	path = NewWith(tb, "UTC", Camera{Name: Driveway, RetainBytes: PlentyBytes})
	if n > 0 {
		Append(tb, path, n)
	}
	return path
}

// NewWith makes a store with cameras and without recordings. The time zone is an IANA
// name.
func NewWith(tb testing.TB, timeZone string, cameras ...Camera) (path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "store")
	must(tb, Create(context.Background(), path, timeZone, cameras...))
	return path
}

// OpenAs opens a store until the test ends, or it is closed before.
func OpenAs(tb testing.TB, path string, mode store.Mode) *store.Store {
	tb.Helper()
	s, err := openUnlocked(context.Background(), path, mode)
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

// MustOpen is Open until the test ends, or the store is closed before.
func MustOpen(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(context.Background(), path)
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

// Append opens a store, adds n recordings of a second to Driveway, each of which follows
// the one before, and closes it in order. Nobody can decode them.
func Append(tb testing.TB, path string, n int) []*moonfirefs.Recording {
	tb.Helper()
	s := MustOpen(tb, path)
	rows := s.Append(tb, n)
	must(tb, s.Close())
	return rows
}

// Append adds n recordings of a second to Driveway, each of which follows the one before.
// Nobody can decode them.
func (s *Store) Append(tb testing.TB, n int) []*moonfirefs.Recording {
	tb.Helper()
	ctx := context.Background()
	stream, err := s.stream(ctx, Driveway)
	must(tb, err)
	last, _, err := s.DB.LastStart(ctx, stream.ID, moonfirefs.MaxTime90k)
	must(tb, err)
	start := last.Add(moonfirefs.UnitsPerSecond)
	second := int(start.Count(moonfirefs.UnitsPerSecond)) % simple.Params.Seconds
	rows, err := s.RecordRows(ctx, Take{
		Folder: Driveway, Start: start, Recordings: n, Seconds: 1, Media: simple, First: second * simple.Params.FPS,
	})
	must(tb, err)
	return rows
}

// Spoil changes the index of a store as no program of ours does: whatever SQL says,
// without regard to constraints. It needs the program sqlite3. Others may have the store
// open.
func Spoil(tb testing.TB, path, query string) {
	tb.Helper()
	cmd := exec.Command("sqlite3", "-batch", filepath.Join(path, "moonfire.db"))
	cmd.Stdin = strings.NewReader(".bail on\n.timeout 10000\npragma ignore_check_constraints = on; pragma foreign_keys = off;\n" + query + ";")
	if output, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v: %s", query, err, output)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
