// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
)

// minLapsePicture90k is how long a picture of a time lapse is shown at least: 30 ms, which
// is as fast as ordinary screens and decoders follow.
const minLapsePicture90k moonfirefs.Duration90k = 2700

// keyFrame is a sample of a time lapse.
type keyFrame struct {
	// recording is an index into Spec.Recordings.
	recording int
	// shown90k is when its picture was shown.
	shown90k moonfirefs.Time90k
	piece    piece
}

// Lapse makes a file of recordings a time lapse of an interval: key frames alone, at so many
// times the pace. Nothing is decoded. Each picture is shown at the time at which it was
// recorded, divided by pace and counted from the first one, so that the time line is the wall
// clock; gaps are held, whatever Spec.Gaps says. Where key frames follow each other so fast
// that a picture would be shown for less than 30 ms, some are left out. There is no audio, and
// no timestamp track.
//
// It reads the video index of each recording that may have a key frame to show. It returns an
// error that wraps moonfirefs.ErrNotFound if there is no key frame in the interval, as in
// streams that have recovery points in their place, moonfirefs.ErrInvalid if pace is less than
// 1, moonfirefs.ErrCorrupt if an index contradicts its Summary, or what src returned. The Spec
// is unchanged then.
func (s *Spec) Lapse(ctx context.Context, src Indexes, interval moonfirefs.Interval, pace int32) error {
	if pace < 1 || s.Entry == nil {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "time lapse at %d times the pace", pace)
	}
	l := lapser{interval: interval, pace: moonfirefs.Duration90k(pace)}
	if _, recovers := s.Entry.Recovery(); !recovers {
		for i := range s.Recordings {
			if err := l.choose(ctx, src, i, &s.Recordings[i]); err != nil {
				return err
			}
		}
	}
	if len(l.chosen) == 0 {
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "no key frame to make a time lapse of")
	}
	recordings, cuts := l.recordings(s.Recordings)
	s.capturedTo90k = min(interval.End90k, s.Recordings[len(s.Recordings)-1].End90k())
	s.Recordings, s.cuts = recordings, cuts
	s.Audio, s.Timestamps, s.Gaps, s.Excerpt = nil, false, GapsHold, nil
	return nil
}

// lapser chooses the key frames of a time lapse.
type lapser struct {
	interval moonfirefs.Interval
	pace     moonfirefs.Duration90k
	chosen   []keyFrame
}

// next90k is when the next key frame may be shown.
func (l *lapser) next90k() moonfirefs.Time90k {
	if len(l.chosen) == 0 {
		return l.interval.Start90k
	}
	return l.chosen[len(l.chosen)-1].shown90k.Add(minLapsePicture90k * l.pace)
}

// choose chooses from the key frames of recording i, r.
func (l *lapser) choose(ctx context.Context, src Indexes, i int, r *moonfirefs.Summary) error {
	if problem := r.Problem(); problem != "" {
		return contradiction(r, problem)
	}
	if r.End90k() < l.next90k() {
		return nil
	}
	index, err := src.VideoIndex(ctx, i)
	if err != nil {
		return err
	}
	buf := samplesPool.Get().(*[]moonfirefs.Sample)
	defer samplesPool.Put(buf)
	if err := decodeSamples(r, index, buf); err != nil {
		return err
	}
	audio, err := audioBytesBefore(ctx, src, i, r)
	if err != nil {
		return err
	}
	decoded90k, offset := r.Start90k, int64(0)
	for n, sample := range *buf {
		offset += audio[n]
		shown90k := decoded90k.Add(moonfirefs.Duration90k(sample.CompositionOffset90k))
		if sample.Sync && shown90k >= l.next90k() && shown90k < l.interval.End90k {
			l.chosen = append(l.chosen, keyFrame{i, shown90k, piece{offset, int64(sample.Bytes)}})
		}
		decoded90k, offset = decoded90k.Add(moonfirefs.Duration90k(sample.Duration90k)), offset+int64(sample.Bytes)
	}
	return nil
}

// audioBytesBefore tells how many bytes of audio lie between each sample of the video of
// recording i, by its number, and the sample before it. Most have none.
func audioBytesBefore(ctx context.Context, src Indexes, i int, r *moonfirefs.Summary) (map[int]int64, error) {
	if r.Audio.Samples == 0 {
		return nil, nil
	}
	index, err := src.AudioIndex(ctx, i)
	if err != nil {
		return nil, err
	}
	if problem := r.AudioIndexProblem(index); problem != "" {
		return nil, contradiction(r, problem)
	}
	return moonfirefs.AudioBytesBefore(index), nil
}

// position90k is when a key frame is shown in the time lapse.
func (l *lapser) position90k(k *keyFrame) moonfirefs.Duration90k {
	return k.shown90k.Sub(l.chosen[0].shown90k) / l.pace
}

// recordings makes of each recording that has a key frame to show one that has nothing else,
// and starts when that is shown.
func (l *lapser) recordings(all []moonfirefs.Summary) (lapsed []moonfirefs.Summary, cuts map[int]*cutRecording) {
	cuts = make(map[int]*cutRecording)
	for first := 0; first < len(l.chosen); {
		end := first + 1
		for end < len(l.chosen) && l.chosen[end].recording == l.chosen[first].recording {
			end++
		}
		cut := l.cut(&all[l.chosen[first].recording], first, end)
		cuts[len(lapsed)] = cut
		lapsed = append(lapsed, cut.summary)
		first = end
	}
	return lapsed, cuts
}

// cut makes a recording of the key frames from first until before end, which are those of r.
func (l *lapser) cut(r *moonfirefs.Summary, first, end int) *cutRecording {
	var table moonfirefs.SampleTable
	var pieces []piece
	for i := first; i < end; i++ {
		k := &l.chosen[i]
		table.AddVideo(moonfirefs.Sample{Duration90k: int32(l.duration90k(r, i)), Bytes: int32(k.piece.size), Sync: true})
		pieces = appendPiece(pieces, k.piece.offset, k.piece.size)
	}
	whole := moonfirefs.Recording{Summary: *r}
	table.Fill(&whole)
	whole.Start90k = l.chosen[0].shown90k.Add(l.position90k(&l.chosen[first]))
	return &cutRecording{summary: whole.Summary, videoIndex: whole.VideoIndex, pieces: pieces, wholeBytes: r.SampleFileBytes}
}

// duration90k is how long the picture of key frame i, which is one of r, is shown: until the
// next one, but no longer than until r ends. What is left until the next one is held as any
// gap is.
func (l *lapser) duration90k(r *moonfirefs.Summary, i int) moonfirefs.Duration90k {
	k := &l.chosen[i]
	end90k := min(r.End90k(), l.interval.End90k)
	left90k := max(minLapsePicture90k, end90k.Sub(k.shown90k)/l.pace)
	if i+1 == len(l.chosen) {
		return left90k
	}
	return min(left90k, l.position90k(&l.chosen[i+1])-l.position90k(k))
}
