// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// Take says what to record: one run of recordings, which touch, unless there is a gap.
type Take struct {
	// Folder is the name of the stream's folder, such as "driveway-sub".
	Folder string
	Start  moonfirefs.Time90k
	// Recordings is how many, Seconds how long each of them lasts.
	Recordings, Seconds int
	Media               *Media
	// First is the number of the first frame. After the last frame of the media
	// comes its first one. It must be that of a key frame.
	First int
	// Gap90k is the time between two recordings. What would have been recorded in it is
	// recorded after it.
	Gap90k moonfirefs.Duration90k
	// TrailingZero ends the run as a broken connection does.
	TrailingZero bool
	// Damaged says that the video indexes are.
	Damaged bool
	// Sparse leaves the sample files empty, but for their size.
	Sparse bool
	// Audio begins with the first picture, and again after its last frame; nil for
	// none. It is not for sparse files.
	Audio *Audio
}

// End is when the take ends, as far as a reader of the index can tell.
func (t *Take) End() moonfirefs.Time90k {
	end := t.Start.Add(moonfirefs.Duration90k(t.Recordings*t.Seconds)*moonfirefs.UnitsPerSecond + moonfirefs.Duration90k(t.Recordings-1)*t.Gap90k)
	if t.TrailingZero {
		end = end.Add(-t.Media.SampleDuration90k())
	}
	return end
}

// Frames is the number of frames.
func (t *Take) Frames() int { return t.Recordings * t.Seconds * t.Media.Params.FPS }

// Counter is what the picture of frame n shows.
func (t *Take) Counter(n int) int { return (t.First + n) % len(t.Media.Samples) }

// batchRecordings bounds what one transaction inserts.
const batchRecordings = 5000

// Record records a take: all at once as far as others can see, unless it is very
// long.
func (s *Store) Record(ctx context.Context, t Take) error {
	return s.record(ctx, t, func([]*moonfirefs.Recording) {})
}

// RecordRows is Record for a take that is not very long. It returns the recordings.
func (s *Store) RecordRows(ctx context.Context, t Take) (rows []*moonfirefs.Recording, err error) {
	err = s.record(ctx, t, func(batch []*moonfirefs.Recording) { rows = append(rows, batch...) })
	return rows, err
}

func (s *Store) record(ctx context.Context, t Take, recorded func(batch []*moonfirefs.Recording)) error {
	stream, err := s.stream(ctx, t.Folder)
	if err != nil {
		return err
	}
	for first := 0; first < t.Recordings; first += batchRecordings {
		n := min(t.Recordings-first, batchRecordings)
		rows, err := s.recordBatch(ctx, stream, &t, first, n)
		if err != nil {
			return fmt.Errorf("record footage of %s: %w", t.Folder, err)
		}
		recorded(rows)
	}
	return nil
}

func (s *Store) recordBatch(ctx context.Context, stream *moonfirefs.Stream, t *Take, first, n int) ([]*moonfirefs.Recording, error) {
	names, err := s.DB.Reserve(ctx, stream.SampleDir, n)
	if err != nil {
		return nil, err
	}
	save := &index.Change{Dir: stream.SampleDir}
	for i, name := range names {
		r, data := t.recording(first + i)
		r.Stream, r.SampleDir, r.Open, r.SampleFile = stream.ID, stream.SampleDir, s.open, name
		if err := s.write(r, data); err != nil {
			return nil, err
		}
		save.Insert = append(save.Insert, r)
		save.SampleEntries = append(save.SampleEntries, t.Media.Entry)
		if t.Audio != nil {
			save.AudioSampleEntries = append(save.AudioSampleEntries, t.Audio.Entry)
		}
	}
	return save.Insert, s.save(ctx, stream.SampleDir, save)
}

// recording makes recording i of the take, and its sample file unless that is to
// be sparse.
func (t *Take) recording(i int) (*moonfirefs.Recording, []byte) {
	var table moonfirefs.SampleTable
	var data bytes.Buffer
	frames := t.Seconds * t.Media.Params.FPS
	begin90k := moonfirefs.Duration90k(i*t.Seconds) * moonfirefs.UnitsPerSecond
	audio := newAudioTrack(t, begin90k)
	for k := range frames {
		sample := &t.Media.Samples[t.Counter(i*frames+k)]
		duration90k := t.Media.SampleDuration90k()
		if t.TrailingZero && i == t.Recordings-1 && k == frames-1 {
			duration90k = 0
		}
		if sample.Sync && k > 0 {
			audio.chunk(&table, &data, table.Duration90k())
		}
		table.AddVideo(moonfirefs.Sample{Duration90k: int32(duration90k), Bytes: int32(len(sample.Data)), Sync: sample.Sync, CompositionOffset90k: sample.CompositionOffset90k})
		if !t.Sparse {
			data.Write(sample.Data)
		}
	}
	audio.chunk(&table, &data, moonfirefs.Duration90k(t.Seconds)*moonfirefs.UnitsPerSecond)
	digest := moonfirefs.NewSampleFileDigest()
	_, _ = digest.Write(data.Bytes()) // never fails
	r := new(moonfirefs.Recording)
	digest.Fill(r)
	r.Start90k, r.RunOffset = t.Start.Add(begin90k+moonfirefs.Duration90k(i)*t.Gap90k), int32(i)
	table.Fill(r)
	if t.Damaged {
		r.VideoIndex = r.VideoIndex[:len(r.VideoIndex)-1]
	}
	return r, data.Bytes()
}

// write makes a sample file, and its journal: a file without one would look to others
// like one that the index has forgotten.
func (s *Store) write(r *moonfirefs.Recording, data []byte) error {
	file, err := s.Dirs[r.SampleDir].Create(r.SampleFile)
	if err != nil {
		return err
	}
	journal, err := s.Dirs[r.SampleDir].CreateJournal(r.SampleFile)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if len(data) > 0 {
		_, err = file.Write(data)
	} else {
		err = file.Truncate(r.SampleFileBytes)
	}
	return errors.Join(err, journal.Close(), file.Close())
}
