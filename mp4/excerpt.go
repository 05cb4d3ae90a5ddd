// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"math"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// cutRecording is the part of a recording that an excerpt needs. It stands for the
// recording, as if that had never had more: its Summary is in Spec.Recordings, its
// indexes are read instead of the stored ones, and its sample file is made of
// pieces of the real one.
type cutRecording struct {
	summary                moonfirefs.Summary
	videoIndex, audioIndex []byte
	pieces                 []piece
	// wholeBytes is the size of the real sample file.
	wholeBytes int64
	// shownFrom90k is when the first picture that is needed to be seen is shown, as a
	// time since the real recording's start.
	shownFrom90k moonfirefs.Duration90k
}

// piece is a part of a sample file.
type piece struct{ offset, size int64 }

// Cut leaves out of an excerpt's first and last recording what is not needed to present
// it: the samples before the last sync sample at or before its start, those after the
// last one that is shown before its end, and the audio that begins before or after
// the samples that are left. It reads the indexes of these two recordings, unless the
// excerpt has all of them. Files that are no excerpts it leaves as they are.
//
// The excerpt's start becomes that of the picture which is shown then: libavformat takes
// an edit that begins within a picture for one that begins with the next one, and the
// audio would be up to a picture late.
//
// It returns an error that wraps moonfirefs.ErrCorrupt if an index contradicts its
// Summary, or what src returned. The Spec is unchanged then.
func (s *Spec) Cut(ctx context.Context, src Indexes) error {
	if s.Excerpt == nil || s.IsCut() || len(s.Recordings) == 0 {
		return nil
	}
	excerpt, recordings, cuts := *s.Excerpt, slices.Clone(s.Recordings), make(map[int]*cutRecording)
	for i := 0; i < len(recordings); i += max(1, len(recordings)-1) {
		needed := s.neededOf(i)
		if needed.all(&recordings[i]) {
			continue
		}
		cut, err := cutOf(ctx, src, i, &recordings[i], needed)
		if err != nil {
			return err
		}
		if start90k := recordings[i].Start90k; excerpt.Start90k == start90k.Add(needed.from90k) {
			excerpt.Start90k = start90k.Add(cut.shownFrom90k)
		}
		recordings[i], cuts[i] = cut.summary, cut
	}
	s.Excerpt, s.Recordings, s.cuts = &excerpt, recordings, cuts
	if !slices.ContainsFunc(recordings, func(r moonfirefs.Summary) bool { return r.Audio.Samples > 0 }) {
		s.Audio = nil // a track without samples would be for nothing
	}
	return nil
}

// IsCut tells whether Cut has done its work, even if all of the samples are needed.
func (s *Spec) IsCut() bool { return s.cuts != nil }

// needed is the part of a recording that an excerpt presents, as times since the
// recording's start.
type needed struct{ from90k, to90k moonfirefs.Duration90k }

// neededOf tells what the excerpt presents of recording i.
func (s *Spec) neededOf(i int) needed {
	n := needed{0, math.MaxInt64}
	start90k := s.Recordings[i].Start90k
	// Behind a recovery point, pictures are not complete at once: nothing is left out.
	if _, recovers := s.Entry.Recovery(); i == 0 && !recovers {
		n.from90k = max(0, s.Excerpt.Start90k.Sub(start90k))
		if len(s.Recordings) > 1 {
			// Where recordings overlap, the excerpt must not begin after the second.
			n.from90k = min(n.from90k, s.Recordings[1].Start90k.Sub(start90k))
		}
	}
	// The excerpt ends in the last recording that starts before its end. Should others
	// follow, the last sample of that one is held, and needed; see excerptEdit.
	if i == len(s.Recordings)-1 && s.Excerpt.End90k > start90k {
		n.to90k = s.Excerpt.End90k.Sub(start90k)
	}
	return n
}

// all tells whether all samples of r are needed. A trailing zero lies at the very end
// of a recording.
func (n needed) all(r *moonfirefs.Summary) bool { return n.from90k == 0 && n.to90k > r.Duration90k }

// samples returns the first sample that is needed and the one after the last.
//
// Decoding can start with a sync sample which, in the order of showing, follows all
// samples before it. So the samples from it on are those shown from it on, and what
// may have been shown before it though decoded after it (with open groups of
// pictures) cannot be decoded and is hidden.
func (n needed) samples(samples []moonfirefs.Sample) (first, end int) {
	decoded90k, latest90k := moonfirefs.Duration90k(0), moonfirefs.Duration90k(math.MinInt64)
	for i := range samples {
		shown90k := decoded90k + moonfirefs.Duration90k(samples[i].CompositionOffset90k)
		if samples[i].Sync && max(decoded90k, shown90k) <= n.from90k && shown90k > latest90k {
			first = i
		}
		if min(decoded90k, shown90k) < n.to90k {
			end = i + 1
		}
		latest90k = max(latest90k, shown90k)
		decoded90k += moonfirefs.Duration90k(samples[i].Duration90k)
	}
	return first, end
}

// shownFrom90k is since when the picture is shown that is seen at the beginning of what
// is needed.
func (n needed) shownFrom90k(samples []moonfirefs.Sample) (from90k moonfirefs.Duration90k) {
	decoded90k := moonfirefs.Duration90k(0)
	for i := range samples {
		if shown90k := decoded90k + moonfirefs.Duration90k(samples[i].CompositionOffset90k); shown90k <= n.from90k {
			from90k = max(from90k, shown90k)
		}
		decoded90k += moonfirefs.Duration90k(samples[i].Duration90k)
	}
	return from90k
}

// cutOf cuts recording i of an excerpt, r.
func cutOf(ctx context.Context, src Indexes, i int, r *moonfirefs.Summary, n needed) (*cutRecording, error) {
	if problem := r.Problem(); problem != "" {
		return nil, contradiction(r, problem)
	}
	index, err := src.VideoIndex(ctx, i)
	if err != nil {
		return nil, err
	}
	buf := samplesPool.Get().(*[]moonfirefs.Sample)
	defer samplesPool.Put(buf)
	if err := decodeSamples(r, index, buf); err != nil {
		return nil, err
	}
	var audio []byte
	if r.Audio.Samples > 0 {
		if audio, err = src.AudioIndex(ctx, i); err != nil {
			return nil, err
		}
		if problem := r.AudioIndexProblem(audio); problem != "" {
			return nil, contradiction(r, problem)
		}
	}
	c := cutter{needed: n, samples: *buf}
	c.first, c.end = n.samples(c.samples)
	cut := c.cut(r, audio)
	cut.shownFrom90k = n.shownFrom90k(*buf)
	if problem := cut.summary.Problem(); problem != "" {
		return nil, contradiction(r, "an excerpt of it: "+problem)
	}
	return cut, nil
}

// locate returns where in the sample file a byte of the cut recording lies, and how many
// follow it there. A nil one is all of the recording.
func (c *cutRecording) locate(offset int64) (at, n int64) {
	if c == nil {
		return offset, math.MaxInt64
	}
	for _, p := range c.pieces {
		if offset < p.size {
			return p.offset + offset, p.size - offset
		}
		offset -= p.size
	}
	return 0, 0
}

// readSamples fills p with what a recording's chunk has at an offset.
func (f *File) readSamples(ctx context.Context, src Source, recording int, p []byte, offset int64) error {
	for len(p) > 0 {
		at, n := f.spec.cuts[recording].locate(offset)
		n = min(n, int64(len(p)))
		if err := src.ReadSamples(ctx, recording, p[:n], at); err != nil {
			return err
		}
		p, offset = p[n:], offset+n
	}
	return nil
}

// SampleFileBytes is the size of a recording's sample file, of which an excerpt may have
// a part only.
func (f *File) SampleFileBytes(recording int) int64 {
	if c := f.spec.cuts[recording]; c != nil {
		return c.wholeBytes
	}
	return f.spec.Recordings[recording].SampleFileBytes
}

func (f *File) videoIndex(ctx context.Context, src Source, recording int) ([]byte, error) {
	if c := f.spec.cuts[recording]; c != nil {
		return c.videoIndex, nil
	}
	return src.VideoIndex(ctx, recording)
}

func (f *File) audioIndex(ctx context.Context, src Source, recording int) ([]byte, error) {
	if c := f.spec.cuts[recording]; c != nil {
		return c.audioIndex, nil
	}
	return src.AudioIndex(ctx, recording)
}
