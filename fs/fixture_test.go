package fs

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// fixture is a store that is open for recording, with a camera "driveway" that
// has a main and a sub stream.
type fixture struct {
	*store.Store
	open    moonfirefs.OpenID
	dir     moonfirefs.SampleDirID
	streams []moonfirefs.StreamID
}

// createFixture makes the store whose streams may each have a number of bytes.
func createFixture(ctx context.Context, path, zone string, retainBytes int64) error {
	if err := store.Create(ctx, path, "", zone); err != nil {
		return err
	}
	s, err := store.Open(ctx, path, store.Recording, slog.Default())
	if err != nil {
		return err
	}
	defer s.Close()
	camera := &moonfirefs.Camera{UUID: uuid.New(), ShortName: "driveway", Description: "seen from the garage"}
	for dir := range s.Dirs {
		for _, kind := range []moonfirefs.StreamKind{moonfirefs.MainStream, moonfirefs.SubStream} {
			camera.Streams = append(camera.Streams, moonfirefs.Stream{
				Kind: kind, SampleDir: dir, URL: "rtsp://192.0.2.1/", Transport: moonfirefs.TCP, RetainBytes: retainBytes,
			})
		}
	}
	return s.DB.AddCamera(ctx, camera)
}

func openFixture(ctx context.Context, path string) (*fixture, error) {
	s, err := store.Open(ctx, path, store.Recording, slog.Default())
	if err != nil {
		return nil, err
	}
	f := &fixture{Store: s}
	if err := f.begin(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return f, nil
}

func (f *fixture) begin(ctx context.Context) error {
	cameras, err := f.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	for _, s := range cameras[0].Streams {
		f.streams, f.dir = append(f.streams, s.ID), s.SampleDir
	}
	f.open, err = f.DB.BeginOpen(ctx, 0)
	return err
}

// take says what to record. All recordings are saved in one transaction.
type take struct {
	// Stream is 0 for the main stream and 1 for the sub stream.
	Stream int
	// Start90k is when the first recording starts. The others follow, with Gap90k
	// in between.
	Start90k moonfirefs.Time90k
	Gap90k   moonfirefs.Duration90k
	Count    int
	// Seconds is the length of each recording, footageSeconds at most.
	Seconds int
	// Footage chooses among the footage.
	Footage int
	// Damaged says that the video indexes are.
	Damaged bool
}

// record does what a recorder does, without a camera.
func (f *fixture) record(ctx context.Context, t take) ([]*moonfirefs.Recording, error) {
	all, err := loadFootage()
	if err != nil {
		return nil, err
	}
	names, err := f.DB.Reserve(ctx, f.dir, t.Count)
	if err != nil {
		return nil, err
	}
	save := &index.Change{Dir: f.dir}
	start := t.Start90k
	for i, name := range names {
		r, data := all[t.Footage].recording(t.Seconds, i)
		r.Stream, r.SampleDir, r.Open, r.SampleFile = f.streams[t.Stream], f.dir, f.open, name
		r.Start90k, r.RunOffset = start, int32(i)
		start = r.End90k().Add(t.Gap90k)
		if t.Damaged {
			r.VideoIndex = r.VideoIndex[:len(r.VideoIndex)-1]
		}
		if err := f.write(name, data); err != nil {
			return nil, err
		}
		save.Insert = append(save.Insert, r)
		save.SampleEntries = append(save.SampleEntries, all[t.Footage].entry)
	}
	if err := f.Dirs[f.dir].Sync(); err != nil {
		return nil, err
	}
	saved, err := f.DB.Commit(ctx, save)
	if err != nil {
		return nil, err
	}
	return save.Insert, f.clean(ctx, saved)
}

// recording makes a recording and its samples. Those of different number differ
// in the first sync sample, so that recordings cannot be mistaken.
func (t *footage) recording(seconds, number int) (*moonfirefs.Recording, []byte) {
	var encoder moonfirefs.VideoIndexEncoder
	var data bytes.Buffer
	first := number % footageSeconds * framesPerSecond
	for i := range seconds * framesPerSecond {
		n := (first + i) % len(t.samples)
		data.Write(t.samples[n])
		encoder.Add(moonfirefs.Sample{
			Duration90k: int32(t.duration), Bytes: int32(len(t.samples[n])), Sync: t.syncs[n],
		})
	}
	r := &moonfirefs.Recording{
		SampleFileSHA1: sha1.Sum(data.Bytes()),
		VideoIndex:     bytes.Clone(encoder.Blob()),
	}
	r.Duration90k, r.SampleFileBytes = encoder.Duration90k(), encoder.Bytes()
	r.VideoSamples, r.VideoSyncSamples = encoder.Samples(), encoder.SyncSamples()
	return r, data.Bytes()
}

func (f *fixture) write(name uuid.UUID, data []byte) error {
	file, err := f.Dirs[f.dir].Create(name)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Close()
}

// clean unlinks what rotation has deleted.
func (f *fixture) clean(ctx context.Context, saved *index.Committed) error {
	var gone []uuid.UUID
	for _, file := range saved.Deleted {
		if err := f.Dirs[file.Dir].Unlink(file.UUID); err != nil {
			return err
		}
		gone = append(gone, file.UUID)
	}
	if len(gone) == 0 {
		return nil
	}
	_, err := f.DB.Commit(ctx, &index.Change{Dir: f.dir, Release: gone})
	return err
}

// sampleFile returns the path of a recording's sample file.
func (f *fixture) sampleFile(r *moonfirefs.Recording) string {
	path := filepath.Join(f.Dirs[r.SampleDir].Path(), r.SampleFile.String())
	if _, err := os.Stat(path); err != nil {
		panic(fmt.Sprintf("sample files are elsewhere: %v", err))
	}
	return path
}
