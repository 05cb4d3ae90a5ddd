// SPDX-License-Identifier: GPL-3.0-or-later

package manytest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/syncbuffer"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// recording is a recorder of many cameras, and its store.
type recording struct {
	t        *testing.T
	path     string
	store    *store.Store
	recorder *recorder.Recorder
	log      *syncbuffer.Buffer
}

// record records cameras in a new store. The test closes it.
func record(t *testing.T, urls []string, options recorder.Options) *recording {
	t.Helper()
	r := &recording{t: t, path: filepath.Join(t.TempDir(), "store"), log: &syncbuffer.Buffer{}}
	var cameras []teststore.Camera
	for i, url := range urls {
		cameras = append(cameras, teststore.Camera{Name: fmt.Sprintf("camera%03d", i), URL: url, RetainBytes: teststore.PlentyBytes})
	}
	r.must(teststore.Create(t.Context(), r.path, "UTC", cameras...))
	t.Cleanup(func() { checktest.Require(t, r.path) })
	r.store = teststore.OpenAs(t, r.path, store.Recording)
	var err error
	options.DB, options.Dirs = r.store.DB, r.store.Dirs
	options.Logger = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	options.Cameras, err = r.store.DB.Cameras(t.Context())
	r.must(err)
	r.recorder = recorder.New(options)
	r.must(r.recorder.Open(t.Context()))
	return r
}

func (r *recording) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// frames counts those that have arrived of the stream that has the fewest.
func (r *recording) frames() int64 {
	least := int64(1 << 62)
	for _, status := range r.recorder.Status() {
		least = min(least, status.Frames)
	}
	return least
}

// hasAll tells whether each stream has a recording.
func (r *recording) hasAll() bool {
	for _, status := range r.recorder.Status() {
		if _, ok, err := r.store.DB.Newest(r.t.Context(), status.ID); err != nil || !ok {
			r.must(err)
			return false
		}
	}
	return true
}

// eachSample reads back what was recorded, stream by stream, in order of time.
func (r *recording) eachSample(fn func(stream moonfirefs.StreamID, run int32, data []byte)) {
	r.t.Helper()
	const page = 100
	after := moonfirefs.RecordingID(0)
	for {
		all, err := r.store.DB.Recordings(context.Background(), 1, after, page, true)
		r.must(err)
		for i := range all {
			r.eachSampleOf(&all[i], fn)
		}
		if len(all) < page {
			return
		}
		after = all[page-1].ID
	}
}

func (r *recording) eachSampleOf(recording *moonfirefs.Recording, fn func(moonfirefs.StreamID, int32, []byte)) {
	r.t.Helper()
	file, err := os.Open(filepath.Join(r.store.Dirs[1].Path(), recording.SampleFile.String()))
	r.must(err)
	defer file.Close()
	data, err := io.ReadAll(file)
	r.must(err)
	d := moonfirefs.DecodeVideoIndex(recording.VideoIndex, recording.Flags)
	for d.Next() {
		fn(recording.Stream, recording.RunOffset, data[:d.Sample.Bytes])
		data = data[d.Sample.Bytes:]
	}
	r.must(d.Err())
}

// impatientClock hardly waits between attempts.
type impatientClock struct{ began time.Time }

func (c impatientClock) Now() (time.Time, time.Duration) {
	now := time.Now()
	return now.Round(0), now.Sub(c.began)
}

func (impatientClock) After(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
