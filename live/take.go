// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"context"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// before90k is how long before what is in progress footage is looked for: there is little
// of a recording that has just begun.
const before90k = 12 * moonfirefs.Duration90k(moonfirefs.UnitsPerSecond)

// take is a recording, be it committed or in progress, as far as it is whole.
type take struct {
	file        moonfirefs.SampleFile
	start90k    moonfirefs.Time90k
	duration90k moonfirefs.Duration90k
	runOffset   int32
	config      config
	// like is the configuration of the footage before the first take that is looked at; its
	// video is nil if that is not known.
	like config
	// audioStart90k is when the audio begins, after the start.
	audioStart90k moonfirefs.Duration90k
	pieces        []journal.Piece
	// ended says that no more pictures come, committed that no more audio comes either.
	ended, committed bool
}

// config is the configuration of a take's codecs; audio is nil if it has none.
type config struct {
	video *moonfirefs.VideoSampleEntry
	audio *moonfirefs.AudioSampleEntry
}

func (c config) same(d config) bool {
	if (c.audio == nil) != (d.audio == nil) || c.video.SHA1 != d.video.SHA1 {
		return false
	}
	return c.audio == nil || c.audio.SHA1 == d.audio.SHA1
}

// follows tells whether a take goes on where another one ended.
func (t *take) follows(before *take) bool {
	return before != nil && t.runOffset == before.runOffset+1 && t.start90k == before.start90k.Add(before.duration90k)
}

// maxAudioLate90k is after how long a recording without audio is taken to get none: audio
// is written in chunks of two seconds or a group of pictures, and comes later than those.
const maxAudioLate90k = 10 * moonfirefs.Duration90k(moonfirefs.UnitsPerSecond)

// waitsForAudio tells whether a take has no audio and may still get some.
func (t *take) waitsForAudio() bool {
	return t.config.audio == nil && !t.committed && t.duration90k < maxAudioLate90k
}

// takes lists the newest recordings of a stream in their order.
func (l *Live) takes(ctx context.Context, stream moonfirefs.StreamID) ([]*take, error) {
	// What is in progress first: what is committed in between is then seen twice.
	ahead, err := l.finder.Settled(ctx, stream)
	if err != nil && len(ahead) == 0 {
		return nil, err
	}
	from := moonfirefs.MaxTime90k
	if len(ahead) > 0 {
		from = ahead[0].Start90k
	} else if newest, ok, err := l.index.Newest(ctx, stream); err != nil {
		return nil, err
	} else if ok {
		from = newest.End90k
	}
	takes, err := l.committed(ctx, stream, from.Add(-before90k))
	if err != nil {
		return nil, err
	}
	for _, r := range ahead {
		file := r.File()
		if slices.ContainsFunc(takes, func(t *take) bool { return t.file == file }) {
			continue
		}
		takes = append(takes, &take{
			file: file, start90k: r.Start90k, duration90k: r.Duration90k, runOffset: r.RunOffset,
			config: config{r.Entry, r.AudioEntry}, audioStart90k: r.Audio.Start90k, pieces: r.Pieces(),
			ended: r.Ended(),
		})
	}
	for i := range len(takes) - 1 {
		takes[i].ended = true
	}
	if len(takes) > 0 && takes[0].waitsForAudio() {
		takes[0].like = l.newestConfig(ctx, stream)
	}
	return takes, nil
}

// newestConfig is that of the recording that was committed last; nothing if there is none,
// or it cannot be read.
func (l *Live) newestConfig(ctx context.Context, stream moonfirefs.StreamID) (c config) {
	newest, ok, err := l.index.Newest(ctx, stream)
	if err != nil || !ok {
		return c
	}
	takes, err := l.committed(ctx, stream, newest.End90k.Add(-1))
	if err != nil || len(takes) == 0 {
		return c
	}
	return takes[len(takes)-1].config
}

// committed lists the committed recordings that end after a time. One that is damaged is
// passed over.
func (l *Live) committed(ctx context.Context, stream moonfirefs.StreamID, from moonfirefs.Time90k) ([]*take, error) {
	var found []moonfirefs.Summary
	err := l.index.EachSummaryOrDamage(ctx, stream, from.Add(-moonfirefs.MaxRecordingDuration90k), moonfirefs.MaxTime90k,
		func(s *moonfirefs.Summary) error {
			if s.End90k() > from && len(found) < maxTakes {
				found = append(found, *s)
			}
			return nil
		}, func(*moonfirefs.Damage) error { return nil })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]moonfirefs.RecordingID, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	files, err := l.index.SampleFiles(ctx, ids)
	if err != nil {
		return nil, err
	}
	var takes []*take
	for i := range found {
		if t := l.take(ctx, &found[i], files[i]); t != nil {
			takes = append(takes, t)
		}
	}
	return takes, nil
}

// maxTakes bounds the recordings that are looked at.
const maxTakes = 64

// take reads the tables of a committed recording; nil if they cannot be read, or say what
// they cannot.
func (l *Live) take(ctx context.Context, s *moonfirefs.Summary, file moonfirefs.SampleFile) *take {
	t := &take{file: file, start90k: s.Start90k, duration90k: s.Duration90k, runOffset: s.RunOffset, audioStart90k: s.Audio.Start90k, ended: true, committed: true}
	var err error
	if t.config.video, err = l.index.VideoSampleEntry(ctx, s.VideoSampleEntry); err != nil {
		return nil
	}
	video, err := l.index.VideoIndex(ctx, s.ID)
	if err != nil || s.VideoIndexProblem(video) != "" {
		return nil
	}
	var audio []byte
	if s.Audio.Samples > 0 {
		if t.config.audio, err = l.index.AudioSampleEntry(ctx, s.Audio.SampleEntry); err != nil {
			return nil
		}
		if audio, err = l.index.AudioIndex(ctx, s.ID); err != nil || s.AudioIndexProblem(audio) != "" {
			return nil
		}
	}
	t.pieces = pieces(s, video, audio)
	return t
}

// pieces lists what lies in the sample file of a recording whose tables are sound.
func pieces(s *moonfirefs.Summary, video, audio []byte) []journal.Piece {
	all := make([]journal.Piece, 0, s.VideoSamples+s.Audio.Chunks)
	v, a := moonfirefs.DecodeVideoIndex(video, s.Flags), moonfirefs.DecodeAudioIndex(audio)
	for a.NextChunk() {
		for n := a.VideoSamples; n > 0 && v.Next(); n-- {
			all = append(all, journal.Piece{SizeBytes: int64(v.Bytes), Video: v.Sample})
		}
		chunk := new(journal.Chunk)
		for a.Next() {
			chunk.Samples = append(chunk.Samples, a.AudioSample)
			chunk.Bytes += int64(a.Bytes)
		}
		all = append(all, journal.Piece{SizeBytes: chunk.Bytes, Audio: chunk})
	}
	for v.Next() {
		all = append(all, journal.Piece{SizeBytes: int64(v.Bytes), Video: v.Sample})
	}
	return all
}
