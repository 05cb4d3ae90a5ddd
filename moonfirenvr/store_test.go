// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/test/nvrstore"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// shadowed is a Moonfire NVR, and what is to be shown of it.
type shadowed struct {
	*nvrstore.Store
	st      *nvrstore.Stream
	options Options
	log     *syncbuffer.Buffer
}

// newShadowed makes one with as many recordings.
func newShadowed(t *testing.T, recordings int) *shadowed {
	t.Helper()
	s := &shadowed{Store: nvrstore.New(t, 7, 1), log: &syncbuffer.Buffer{}}
	s.st = s.AddCamera("driveway", 0, "main")[0]
	media, err := teststore.Encode(t.Context(), teststore.Params{Codec: teststore.H264, Width: 320, Height: 180, FPS: 10, Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.Fill(s.st, media, nvrstore.Fill{Start90k: teststore.At("2026-11-01T00:00:00Z"), Minutes: recordings})
	s.options = Options{Database: s.Path, Cache: t.TempDir(), Zone: time.UTC, Show: func(Work, int64, int64) {}, Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	return s
}

// shadow opens what is shown until the test ends.
func (s *shadowed) shadow(t *testing.T) *Store {
	t.Helper()
	store, err := Open(t.Context(), s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// ids are those that a shadow has, counted from 1 as Moonfire NVR counts those of a stream.
func (s *shadowed) ids(t *testing.T, store *Store) (ids []int) {
	t.Helper()
	all, err := store.DB.RecordingIDs(t.Context(), s.st.ID, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range all {
		ids = append(ids, int(id-firstID(s.st.ID)))
	}
	return ids
}

// remove takes recordings out of their database in some place.
func (s *shadowed) remove(numbers ...int) {
	for _, n := range numbers {
		id := firstID(s.st.ID) + moonfirefs.RecordingID(n)
		for _, table := range []string{"recording_playback", "recording_integrity", "recording"} {
			s.Exec(`delete from `+table+` where composite_id = ?`, id)
		}
	}
}

// without are the numbers up to one, but for some.
func without(upTo int, gone ...int) (numbers []int) {
	for n := 1; n <= upTo; n++ {
		if !slices.Contains(gone, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// What is known is shown at once by the next one who looks, and is made what theirs is
// thereafter, wherever recordings have vanished.
func TestKnownShadow(t *testing.T) {
	const n = 3 * comparedIDs
	s := newShadowed(t, n)
	first := s.shadow(t)
	if got := s.ids(t, first); !slices.Equal(got, without(n)) {
		t.Errorf("%d recordings, want %d", len(got), n)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	gone := []int{1, 2, 700, comparedIDs, 2*comparedIDs + 1, n}
	s.remove(gone...)
	again := s.shadow(t)
	wait.Until(t, "the shadow to be compared", func() bool { return slices.Equal(s.ids(t, again), without(n, gone...)) })
	if problems, err := again.DB.WrongSummaries(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// A first contact that was interrupted is not taken for all that there is: the next one goes on
// where it was.
func TestFirstContactAgain(t *testing.T) {
	const n, taken = 2 * filledRows, 2*filledRows - 100
	s := newShadowed(t, n)
	first := s.shadow(t)
	left := &index.ShadowRecordings{}
	for number := taken + 1; number <= n; number++ {
		left.Gone = append(left.Gone, firstID(s.st.ID)+moonfirefs.RecordingID(number))
	}
	if err := first.DB.FollowShadow(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cacheFolder(s.options.Cache, s.Path), wholeName)); err != nil {
		t.Fatal(err)
	}
	var told []int64
	s.options.Show = func(work Work, done, _ int64) {
		if !work.InBytes {
			told = append(told, done)
		}
	}
	s.remove(1000)
	if got := s.ids(t, s.shadow(t)); !slices.Equal(got, without(n, 1000)) {
		t.Errorf("%d recordings, want %d", len(got), n-1)
	}
	if !slices.Equal(told, []int64{n - taken}) {
		t.Errorf("%v recordings were taken over, want %d", told, n-taken)
	}
}

// Another database in the place of the one that is known costs a line, and nothing of it is
// mixed with what is known; who looks next sees that one.
func TestReplacedDatabase(t *testing.T) {
	s, other := newShadowed(t, 20), newShadowed(t, 7)
	first := s.shadow(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	other.Stop()
	if err := os.Rename(filepath.Join(other.Path, databaseName), filepath.Join(s.Path, databaseName)); err != nil {
		t.Fatal(err)
	}
	again := s.shadow(t)
	wait.Until(t, "the log to tell", func() bool { return strings.Contains(s.log.String(), "another database has taken its place") })
	if got := s.ids(t, again); len(got) != 20 {
		t.Errorf("%d recordings, want 20", len(got))
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.ids(t, s.shadow(t)); len(got) != 7 {
		t.Errorf("%d recordings of the other database, want 7", len(got))
	}
}
