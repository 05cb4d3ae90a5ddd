// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// fixture is a store with a camera.
type fixture struct {
	*store.Store
	path     string
	recorded *teststore.Store
}

func newFixture(t *testing.T, retainBytes int64) *fixture {
	t.Helper()
	path := teststore.NewWith(t, "America/New_York", teststore.Camera{Name: teststore.Driveway, RetainBytes: retainBytes})
	s := teststore.MustOpen(t, path)
	return &fixture{Store: s.Store, path: path, recorded: s}
}

// slow are a thousand bytes a second.
var slow = teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: 1, Seconds: 60}, 1000)

// record saves a recording of a thousand bytes a second, for whole seconds.
func (f *fixture) record(t *testing.T, start time.Time, length time.Duration) {
	t.Helper()
	err := f.recorded.Record(t.Context(), teststore.Take{
		Folder: teststore.Driveway, Start: moonfirefs.FromTime(start), Recordings: 1, Seconds: int(length.Seconds()), Media: slow, Sparse: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}
