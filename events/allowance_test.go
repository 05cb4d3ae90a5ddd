// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
)

// Ensures how many events of a camera are taken: many at once, then one after another, and after a
// pause as many again.
func TestAllowance(t *testing.T) {
	a, now := new(allowance), time.Now()
	take := func(tries int) (taken int) {
		for range tries {
			if a.take(now) {
				taken++
			}
		}
		return taken
	}
	for i, test := range []struct {
		after       time.Duration
		tries, want int
	}{
		{0, 1000, allowedAtOnce}, {allowedEvery / 2, 10, 0}, {allowedEvery / 2, 10, 1}, {5 * allowedEvery / 2, 10, 2}, {allowedEvery / 2, 10, 1},
		{100 * allowedEvery, 1000, 100}, {time.Hour, 1000, allowedAtOnce}, {-time.Hour, 10, 0},
	} {
		now = now.Add(test.after)
		if got := take(test.tries); got != test.want && test.after >= 0 {
			t.Errorf("step %d: %d were taken, want %d", i, got, test.want)
		}
	}
}

// Ensures that a source cannot add more events of a camera than that, that others may, and that
// what goes on is not counted again.
func TestTrackerBounds(t *testing.T) {
	d, ctx := openTestDatabase(t, filepath.Join(t.TempDir(), FileName)), t.Context()
	tracker := NewTracker(d, "test")
	for range 2 * allowedAtOnce {
		if err := tracker.On(ctx, "door", yard, "door", tracker.now()); err != nil {
			t.Fatal(err)
		}
	}
	var refused int
	for range 2 * allowedAtOnce {
		err := tracker.On(ctx, "x", yard, "person", 0)
		if errors.Is(err, moonfirefs.ErrInvalid) {
			refused++
		} else if err := errors.Join(err, tracker.Off(ctx, "x")); err != nil {
			t.Fatal(err)
		}
	}
	if refused < allowedAtOnce/2 {
		t.Errorf("%d events were refused", refused)
	}
	if err := tracker.On(ctx, "y", garden, "person", 0); err != nil {
		t.Errorf("of another camera: %v", err)
	}
}

// Ensures that a source that fails all the time does not fill the log, nor with long words.
func TestFailures(t *testing.T) {
	var log syncbuffer.Buffer
	f := NewFailures(slog.New(slog.NewTextHandler(&log, nil)), "test")
	err, began := errors.New(strings.Repeat("x", 1<<20)), time.Now()
	for range 100 {
		f.Failed(err)
	}
	most := 1 + int(time.Since(began)/tellEvery)
	if n := strings.Count(log.String(), "event is not stored"); n < 1 || n > most || len(log.String()) > 1000*most {
		t.Errorf("the log has %d lines, %d bytes", n, len(log.String()))
	}
}
