package checktest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Samples of the recordings that Record makes.
const (
	samplesPerRecording = 5
	sampleBytes         = 1000
	sampleDuration90k   = 3000
)

var sampleEntry = moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0aavc1.."), 640, 360, 1, 1, "avc1.4d401e")

// NewStore makes a store with one camera and n recordings, closed in order.
func NewStore(t testing.TB, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store")
	ctx := context.Background()
	must(t, store.Create(ctx, path, "", "UTC"))
	s := Open(t, path, store.Recording)
	must(t, s.DB.AddCamera(ctx, &moonfirefs.Camera{UUID: uuid.New(), ShortName: "driveway", Streams: []moonfirefs.Stream{{
		Kind: moonfirefs.MainStream, SampleDir: 1, URL: "rtsp://192.0.2.1/1", Transport: moonfirefs.TCP, RetainBytes: 1 << 40,
	}}}))
	must(t, s.Close())
	Record(t, path, n)
	return path
}

// Open opens a store until the test ends, or it is closed before.
func Open(t testing.TB, path string, mode store.Mode) *store.Store {
	t.Helper()
	var s *store.Store
	var err error
	// A process that another test is just starting has our locks until it runs its
	// program.
	wait.Poll(func() bool {
		s, err = store.Open(context.Background(), path, mode, nil)
		return !errors.Is(err, moonfirefs.ErrStoreLocked)
	})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// Record opens a store, adds n recordings to its first stream, each of which
// follows the one before, and closes it in order.
func Record(t testing.TB, path string, n int) (all []*moonfirefs.Recording) {
	t.Helper()
	s := Open(t, path, store.Recording)
	opening := Begin(t, s)
	all = Add(t, s, opening, n)
	End(t, s, opening)
	return all
}

// End closes a store in order.
func End(t testing.TB, s *store.Store, opening moonfirefs.OpenID) {
	t.Helper()
	must(t, s.DB.EndOpen(context.Background(), opening, moonfirefs.MaxTime90k))
	tellDirs(t, s, opening)
	must(t, s.Close())
}

// Begin records that a store is open, as the recorder does (§ Opening).
func Begin(t testing.TB, s *store.Store) moonfirefs.OpenID {
	t.Helper()
	opening, err := s.DB.BeginOpen(context.Background(), 0)
	must(t, err)
	tellDirs(t, s, opening)
	return opening
}

func tellDirs(t testing.TB, s *store.Store, id moonfirefs.OpenID) {
	t.Helper()
	opening, err := s.DB.Opening(context.Background(), id)
	must(t, err)
	for _, dir := range s.Dirs {
		must(t, dir.SetLastOpening(opening))
	}
}

// Add adds n recordings to the first stream of a store.
func Add(t testing.TB, s *store.Store, opening moonfirefs.OpenID, n int) (all []*moonfirefs.Recording) {
	t.Helper()
	ctx := context.Background()
	last, _, err := s.DB.LastStart(ctx, 1, moonfirefs.MaxTime90k)
	must(t, err)
	for i := range n {
		names, err := s.DB.Reserve(ctx, 1, 1)
		must(t, err)
		r := newRecording(names[0], last+moonfirefs.Time90k((i+1)*samplesPerRecording*sampleDuration90k))
		r.Open, r.RunOffset = opening, int32(i)
		write(t, s, r)
		_, err = s.DB.Commit(ctx, &index.Change{Dir: 1, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{sampleEntry}})
		must(t, errors.Join(err, s.Dirs[1].UnlinkJournal(r.SampleFile)))
		all = append(all, r)
	}
	return all
}

func newRecording(name uuid.UUID, start90k moonfirefs.Time90k) *moonfirefs.Recording {
	var table moonfirefs.SampleTable
	for i := range samplesPerRecording {
		table.AddVideo(moonfirefs.Sample{Duration90k: sampleDuration90k, Bytes: sampleBytes, Sync: i == 0})
	}
	r := &moonfirefs.Recording{
		Summary: moonfirefs.Summary{Start90k: start90k},
		Stream:  1, SampleDir: 1, SampleFile: name, SampleFileSHA1: sha1.Sum(contents(name)),
	}
	table.Fill(r)
	return r
}

// contents are those of a sample file.
func contents(name uuid.UUID) []byte {
	return bytes.Repeat(name[:], samplesPerRecording*sampleBytes)[:samplesPerRecording*sampleBytes]
}

func write(t testing.TB, s *store.Store, r *moonfirefs.Recording) {
	t.Helper()
	f, err := s.Dirs[1].Create(r.SampleFile)
	must(t, err)
	// A file without a journal would look like one that the index has forgotten.
	j, err := s.Dirs[1].CreateJournal(r.SampleFile)
	must(t, errors.Join(err, j.Close()))
	_, err = f.Write(contents(r.SampleFile))
	must(t, errors.Join(err, f.Sync(), f.Close(), s.Dirs[1].Sync()))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
