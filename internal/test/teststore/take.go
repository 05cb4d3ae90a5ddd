package teststore

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// Take says what to record: one run of recordings, which touch.
type Take struct {
	// Folder is the name of the stream's folder, such as "driveway-sub".
	Folder string
	Start  moonfirefs.Time90k
	// Recordings is how many, Seconds how long each of them lasts.
	Recordings, Seconds int
	Clip                *Clip
	// First is the number of the first frame. After the last frame of the clip
	// comes its first one. It must be that of a key frame.
	First int
	// TrailingZero ends the run as a broken connection does.
	TrailingZero bool
	// Sparse leaves the sample files empty, but for their size.
	Sparse bool
	// Sound begins with the first picture, and again after its last frame; nil for
	// none. It is not for sparse files.
	Sound *Sound
}

// End is when the take ends, as far as a reader of the index can tell.
func (t *Take) End() moonfirefs.Time90k {
	end := t.Start.Add(moonfirefs.Duration90k(t.Recordings*t.Seconds) * moonfirefs.UnitsPerSecond)
	if t.TrailingZero {
		end = end.Add(-t.Clip.SampleDuration90k())
	}
	return end
}

// Frames is the number of frames.
func (t *Take) Frames() int { return t.Recordings * t.Seconds * t.Clip.Params.FPS }

// Counter is what the picture of frame n shows.
func (t *Take) Counter(n int) int { return (t.First + n) % len(t.Clip.Samples) }

// batchRecordings bounds what one transaction inserts.
const batchRecordings = 5000

// Record records a take: all at once as far as others can see, unless it is very
// long.
func (s *Store) Record(ctx context.Context, t Take) error {
	stream, err := s.stream(t.Folder)
	if err != nil {
		return err
	}
	for first := 0; first < t.Recordings; first += batchRecordings {
		n := min(t.Recordings-first, batchRecordings)
		if err := s.recordBatch(ctx, stream, &t, first, n); err != nil {
			return fmt.Errorf("record footage of %s: %w", t.Folder, err)
		}
	}
	return nil
}

func (s *Store) recordBatch(ctx context.Context, stream *moonfirefs.Stream, t *Take, first, n int) error {
	names, err := s.DB.Reserve(ctx, stream.SampleDir, n)
	if err != nil {
		return err
	}
	save := &index.Change{Dir: stream.SampleDir}
	for i, name := range names {
		r, data := t.recording(first + i)
		r.Stream, r.SampleDir, r.Open, r.SampleFile = stream.ID, stream.SampleDir, s.open, name
		if err := s.write(r, name, data); err != nil {
			return err
		}
		save.Insert = append(save.Insert, r)
		save.SampleEntries = append(save.SampleEntries, t.Clip.Entry)
		if t.Sound != nil {
			save.AudioSampleEntries = append(save.AudioSampleEntries, t.Sound.Entry)
		}
	}
	return s.save(ctx, stream.SampleDir, save)
}

// recording makes recording i of the take, and its sample file unless that is to
// be sparse.
func (t *Take) recording(i int) (*moonfirefs.Recording, []byte) {
	var table moonfirefs.SampleTable
	var data bytes.Buffer
	frames := t.Seconds * t.Clip.Params.FPS
	begin90k := moonfirefs.Duration90k(i*t.Seconds) * moonfirefs.UnitsPerSecond
	sound := newSoundtrack(t, begin90k)
	for k := range frames {
		sample := &t.Clip.Samples[t.Counter(i*frames+k)]
		duration90k := t.Clip.SampleDuration90k()
		if t.TrailingZero && i == t.Recordings-1 && k == frames-1 {
			duration90k = 0
		}
		if sample.Sync && k > 0 {
			sound.chunk(&table, &data, table.Duration90k())
		}
		table.AddVideo(moonfirefs.Sample{Duration90k: int32(duration90k), Bytes: int32(len(sample.Data)), Sync: sample.Sync, CompositionOffset90k: sample.CompositionOffset90k})
		if !t.Sparse {
			data.Write(sample.Data)
		}
	}
	sound.chunk(&table, &data, moonfirefs.Duration90k(t.Seconds)*moonfirefs.UnitsPerSecond)
	r := &moonfirefs.Recording{SampleFileSHA1: sha1.Sum(data.Bytes())}
	r.Start90k, r.RunOffset = t.Start.Add(begin90k), int32(i)
	table.Fill(r)
	return r, data.Bytes()
}

func (s *Store) write(r *moonfirefs.Recording, name uuid.UUID, data []byte) error {
	file, err := s.Dirs[r.SampleDir].Create(name)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		_, err = file.Write(data)
	} else {
		err = file.Truncate(r.SampleFileBytes)
	}
	if err != nil {
		_ = file.Close() // the first error says it
		return err
	}
	return file.Close()
}
