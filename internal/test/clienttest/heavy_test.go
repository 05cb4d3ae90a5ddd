// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check/checktest"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// heavyMedia is a media for programs that do not look at pictures: ten seconds of
// noise, 1 MB each, more than what lies in buffers between two programs.
func heavyMedia(t *testing.T) *teststore.Media {
	t.Helper()
	like := mustMedia(t, mainMedia)
	c := &teststore.Media{Params: like.Params, Entry: like.Entry}
	noise := rand.NewChaCha8([32]byte{1})
	for n := range 10 * fps {
		data := make([]byte, 200_000)
		_, _ = noise.Read(data) // never fails
		c.Samples = append(c.Samples, teststore.Sample{Data: data, Sync: n%fps == 0})
	}
	return c
}

// growing is a store with one camera, "yard", whose newest hour grows on demand.
type growing struct {
	*teststore.Store
	t     *testing.T
	path  string
	media *teststore.Media
	// next is when the next recording starts.
	next moonfirefs.Time90k
}

// newGrowing makes a store that keeps so many recordings of ten seconds. The
// first will start at 13:00.
func newGrowing(t *testing.T, media *teststore.Media, keepRecordings int64) *growing {
	t.Helper()
	g := &growing{t: t, path: filepath.Join(tempDir(t), "store"), media: media, next: local(22, 13, 0, 0)}
	var recordingBytes int64
	for _, sample := range media.Samples[:10*fps] {
		recordingBytes += int64(len(sample.Data))
	}
	camera := teststore.Camera{Name: "yard", RetainBytes: keepRecordings * recordingBytes}
	if err := teststore.Create(t.Context(), g.path, timeZone, camera); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checktest.Require(t, g.path) })
	g.Store = open(t, g.path)
	return g
}

// record adds recordings of ten seconds each, all with the same pictures.
func (g *growing) record(recordings int) {
	g.t.Helper()
	for range recordings {
		take := teststore.Take{Folder: "yard", Start: g.next, Recordings: 1, Seconds: 10, Media: g.media}
		if err := g.Record(g.t.Context(), take); err != nil {
			g.t.Fatal(err)
		}
		g.next = take.End()
	}
}

// skipTo lets time pass without footage.
func (g *growing) skipTo(hour int) { g.next = local(22, hour, 0, 0) }
