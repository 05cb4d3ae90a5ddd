package mp4

import (
	"context"
	"encoding/binary"
	"fmt"

	moonfire "github.com/moonfirefs/moonfire"
)

// readTable fills p with the part that starts at from of a recording's share of
// a sample table, which has the given size.
func (f *File) readTable(ctx context.Context, src Source, s slice, p []byte, from, size int64) error {
	index, err := src.VideoIndex(ctx, int(s.arg))
	if err != nil {
		return err
	}
	r := &f.spec.Recordings[s.arg]
	// A sample takes at least two bytes. Found out before the counts of a
	// damaged row make us allocate gigabytes.
	if int64(len(index)) < 2*int64(r.VideoSamples) {
		return contradiction(r, "samples")
	}
	return readWhole(p, from, size, func(whole []byte) error {
		var t tally
		d := moonfire.DecodeVideoIndex(index, r.Flags)
		switch part := f.parts[s.arg]; s.kind {
		case sttsSlice:
			t = fillStts(whole, &d, r, part.hold90k)
		case stssSlice:
			t = fillStss(whole, &d, r, part.samplesBefore)
		case cttsSlice:
			t = fillCtts(whole, &d, r)
		case stszSlice:
			t = fillStsz(whole, &d, r)
		}
		if err := d.Err(); err != nil {
			return fmt.Errorf("recording %d: %w", r.ID, err)
		}
		return t.compare(r, d.Sample)
	})
}

// fillStts writes a recording's entries of the decoding time to sample box (ISO
// 14496-12 §8.6.1.2), one for each sample. The last sample is held for hold90k
// longer.
func fillStts(dst []byte, d *moonfire.VideoIndexDecoder, r *moonfire.Summary, hold90k moonfire.Duration90k) tally {
	var t tally
	for d.Next() && t.add(&d.Sample, r) {
		duration90k := moonfire.Duration90k(d.Duration90k)
		if t.samples == r.VideoSamples {
			duration90k += hold90k
		}
		binary.BigEndian.PutUint64(dst, 1<<32|uint64(duration90k))
		dst = dst[8:]
	}
	return t
}

// fillCtts writes a recording's entries of the composition time to sample box
// (§8.6.1.3), one for each sample. Recordings that are not reordered have them as
// well, all of them 0, if another one in the file is.
func fillCtts(dst []byte, d *moonfire.VideoIndexDecoder, r *moonfire.Summary) tally {
	var t tally
	for d.Next() && t.add(&d.Sample, r) {
		binary.BigEndian.PutUint64(dst, 1<<32|uint64(uint32(d.CompositionOffset90k)))
		dst = dst[8:]
	}
	return t
}

// fillStss writes a recording's entries of the sync sample box (§8.6.2), whose
// numbers count from 1 through the whole track.
func fillStss(dst []byte, d *moonfire.VideoIndexDecoder, r *moonfire.Summary, samplesBefore uint32) tally {
	var t tally
	for d.Next() && t.add(&d.Sample, r) {
		if d.Sync {
			binary.BigEndian.PutUint32(dst, samplesBefore+uint32(t.samples))
			dst = dst[4:]
		}
	}
	return t
}

// fillStsz writes a recording's entries of the sample size box (§8.7.3.2).
func fillStsz(dst []byte, d *moonfire.VideoIndexDecoder, r *moonfire.Summary) tally {
	var t tally
	for d.Next() && t.add(&d.Sample, r) {
		binary.BigEndian.PutUint32(dst, uint32(d.Bytes))
		dst = dst[4:]
	}
	return t
}

// tally adds up the samples of a video index, so that one that contradicts the
// Summary, on which the layout rests, is found out.
type tally struct {
	durations90k         moonfire.Duration90k
	bytes                int64
	samples, syncSamples int32
}

// add counts a sample. It returns false, to end the walk, if there are more than
// the table has room for.
func (t *tally) add(s *moonfire.Sample, r *moonfire.Summary) bool {
	t.samples++
	if s.Sync {
		t.syncSamples++
	}
	t.durations90k += moonfire.Duration90k(s.Duration90k)
	t.bytes += int64(s.Bytes)
	return t.samples <= r.VideoSamples && t.syncSamples <= r.VideoSyncSamples
}

// compare returns an error that wraps moonfire.ErrCorrupt unless the samples, of
// which last is the last, are what the Summary states.
func (t *tally) compare(r *moonfire.Summary, last moonfire.Sample) error {
	switch {
	case t.samples != r.VideoSamples:
		return contradiction(r, "samples")
	case t.syncSamples != r.VideoSyncSamples:
		return contradiction(r, "sync samples")
	case t.durations90k != r.Duration90k:
		return contradiction(r, "duration")
	case t.bytes != r.VideoBytes():
		return contradiction(r, "bytes")
	case last.Duration90k == 0 && r.Flags&moonfire.FlagTrailingZero == 0:
		return contradiction(r, "flags")
	}
	return nil
}

func contradiction(r *moonfire.Summary, what string) error {
	return fmt.Errorf("recording %d: video index and summary disagree on %s: %w", r.ID, what, moonfire.ErrCorrupt)
}
