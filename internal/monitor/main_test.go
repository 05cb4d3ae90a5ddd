package monitor

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// fixture is a store with a camera, whose recordings are rows without files.
type fixture struct {
	*store.Store
	path string
	open moonfirefs.OpenID
}

func newFixture(t *testing.T, retainBytes int64) *fixture {
	t.Helper()
	f := &fixture{path: filepath.Join(t.TempDir(), "store")}
	ctx := t.Context()
	if err := store.Create(ctx, f.path, "", "America/New_York"); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.Store, err = store.Open(ctx, f.path, store.Recording, quiet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	err = f.DB.AddCamera(ctx, &moonfirefs.Camera{
		UUID: uuid.New(), ShortName: "driveway",
		Streams: []moonfirefs.Stream{{Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.1/1", Transport: moonfirefs.TCP, RetainBytes: retainBytes}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.open, err = f.DB.BeginOpen(ctx, moonfirefs.FromTime(time.Now())); err != nil {
		t.Fatal(err)
	}
	return f
}

// record saves a recording of a thousand bytes a second.
func (f *fixture) record(t *testing.T, start time.Time, length time.Duration) {
	t.Helper()
	names, err := f.DB.Reserve(context.Background(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &moonfirefs.Recording{Stream: 1, SampleDir: 1, Open: f.open, SampleFile: names[0], VideoIndex: []byte{1, 2}}
	r.Start90k, r.Duration90k = moonfirefs.FromTime(start), moonfirefs.FromDuration(length)
	r.SampleFileBytes, r.VideoSamples, r.VideoSyncSamples = int64(length.Seconds()*1000), 10, 1
	entry := moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x09avc1x"), 640, 360, 1, 1, "avc1.64001f")
	_, err = f.DB.Commit(context.Background(), &index.Change{
		Dir: 1, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{entry},
	})
	if err != nil {
		t.Fatal(err)
	}
}
