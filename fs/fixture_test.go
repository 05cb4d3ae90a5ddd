// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/library"
)

// fixture is a store with a camera "driveway" that has a main and a sub stream.
type fixture struct{ *teststore.Store }

// openFixture opens a store, for recording or beside a recorder.
func openFixture(ctx context.Context, path string, recording bool, log *slog.Logger) (*fixture, io.Closer, error) {
	if recording {
		s, err := teststore.Open(ctx, path)
		return &fixture{s}, s, err
	}
	s, err := store.Open(ctx, path, store.Reading, log)
	return &fixture{&teststore.Store{Store: s}}, s, err
}

// newCatalog tells what the store has to show.
func (f *fixture) newCatalog(render library.RenderOptions) (*library.Catalog, error) {
	return library.New(library.Options{Index: f.DB, Dirs: f.Directories(), Zone: f.Zone, Created90k: f.DB.Meta().Created90k, Render: render})
}

const (
	framesPerSecond = 10
	sampleBytes     = 5000
	// mediaSeconds is when samples come again: not after a minute, so that recordings
	// cannot be mistaken for each other.
	mediaSeconds = 61
)

// media are made up: a recording of one of them cannot be in the same file as one of the
// other.
var media = []*teststore.Media{
	teststore.MadeUp(teststore.Params{Width: 320, Height: 240, FPS: framesPerSecond, Seconds: mediaSeconds}, sampleBytes),
	teststore.MadeUp(teststore.Params{Width: 192, Height: 144, FPS: framesPerSecond, Seconds: mediaSeconds}, sampleBytes),
}

// recordingBytes is the size of the sample file of a recording.
func recordingBytes(seconds int) int64 { return int64(seconds) * framesPerSecond * sampleBytes }

// take says what to record. All recordings are committed in one transaction.
type take struct {
	// Sub says that it is of the sub stream.
	Sub bool
	// Start90k is when the first recording starts. The others follow, with Gap90k in
	// between.
	Start90k moonfirefs.Time90k
	Gap90k   moonfirefs.Duration90k
	Count    int
	// Seconds is the length of each recording.
	Seconds int
	// Media chooses among the media.
	Media int
	// Damaged says that the video indexes are.
	Damaged bool
}

// record does what a recorder does, without a camera.
func (f *fixture) record(ctx context.Context, t take) ([]*moonfirefs.Recording, error) {
	folder := "driveway"
	if t.Sub {
		folder = "driveway-sub"
	}
	return f.RecordRows(ctx, teststore.Take{
		Folder: folder, Start: t.Start90k, Gap90k: t.Gap90k, Recordings: t.Count, Seconds: t.Seconds, Media: media[t.Media], Damaged: t.Damaged,
	})
}

// sampleFile returns the path of a recording's sample file.
func (f *fixture) sampleFile(r *moonfirefs.Recording) string {
	path := filepath.Join(f.Dirs[r.SampleDir].Path(), r.SampleFile.String())
	if _, err := os.Stat(path); err != nil {
		panic(fmt.Sprintf("sample files are elsewhere: %v", err))
	}
	return path
}
