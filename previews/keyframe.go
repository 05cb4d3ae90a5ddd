// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"context"
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"github.com/moonfirefs/moonfirefs"
)

// keyFrame is one to be decoded.
type keyFrame struct {
	entry  *moonfirefs.VideoSampleEntry
	sample []byte
	// like has the proportions of the picture, where those are not its own: sub streams are
	// squeezed, without saying so, where they have others than the main stream. It can be nil.
	like *moonfirefs.VideoSampleEntry
}

// proportions are those of the picture, given the frame that was decoded.
func (k *keyFrame) proportions(frame *astiav.Frame) (width, height int) {
	width, height = frame.Width(), frame.Height()
	entry := k.entry
	if k.like != nil && k.like.Width > 0 && k.like.Height > 0 {
		entry, width, height = k.like, int(k.like.Width), int(k.like.Height)
	}
	return width * int(max(entry.PixelAspectH, 1)), height * int(max(entry.PixelAspectV, 1))
}

// errNone says that there is no key frame to decode.
var errNone = errors.New("no key frame")

// firstKeyFrame reads the key frame with which a recording begins.
func (m *Maker) firstKeyFrame(ctx context.Context, r *moonfirefs.Summary) (*keyFrame, error) {
	table, err := m.Index.VideoIndex(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	samples := moonfirefs.DecodeVideoIndex(table, r.Flags)
	if !samples.Next() || !samples.Sync {
		return nil, errNone
	}
	return m.read(ctx, r, place{sizeBytes: int(samples.Bytes)})
}

// place is where a sample lies in its file.
type place struct {
	offset    int64
	sizeBytes int
}

// maxApart90k is how far from the beginning of a recording the key frame of a smaller stream may
// be that stands for it.
const maxApart90k = 5 * moonfirefs.UnitsPerSecond

// nearestKeyFrame reads the key frame of a stream that is nearest to the start of a recording of
// another stream, whose proportions it is to have.
func (m *Maker) nearestKeyFrame(ctx context.Context, stream moonfirefs.StreamID, to *moonfirefs.Summary) (*keyFrame, error) {
	at := to.Start90k
	var near []moonfirefs.Summary
	err := m.Index.EachSummaryOrDamage(ctx, stream, at.Add(-moonfirefs.MaxRecordingDuration90k), at.Add(maxApart90k), func(r *moonfirefs.Summary) error {
		if r.End90k() >= at.Add(-maxApart90k) {
			near = append(near, *r)
		}
		return nil
	}, func(*moonfirefs.Damage) error { return nil })
	if err != nil {
		return nil, err
	}
	var nearest *moonfirefs.Summary
	var where place
	apart90k := moonfirefs.Duration90k(maxApart90k)
	for i := range near {
		p, d, err := m.nearestIn(ctx, &near[i], at)
		if err != nil {
			return nil, err
		}
		if d < apart90k {
			nearest, where, apart90k = &near[i], p, d
		}
	}
	if nearest == nil {
		return nil, errNone
	}
	k, err := m.read(ctx, nearest, where)
	if err == nil {
		k.like, err = m.Index.VideoSampleEntry(ctx, to.VideoSampleEntry)
	}
	return k, err
}

// nearestIn tells where in a recording the key frame lies that is nearest to a time, and how far
// apart they are: as far as can be if it has none.
func (m *Maker) nearestIn(ctx context.Context, r *moonfirefs.Summary, at moonfirefs.Time90k) (p place, apart90k moonfirefs.Duration90k, err error) {
	table, err := m.Index.VideoIndex(ctx, r.ID)
	if err != nil {
		return p, 0, err
	}
	var audio map[int]int64
	if r.Audio.Samples > 0 {
		index, err := m.Index.AudioIndex(ctx, r.ID)
		if err != nil {
			return p, 0, err
		}
		audio = moonfirefs.AudioBytesBefore(index)
	}
	apart90k = moonfirefs.MaxRecordingDuration90k
	samples := moonfirefs.DecodeVideoIndex(table, r.Flags)
	time90k, offset := r.Start90k, int64(0)
	for n := 0; samples.Next(); n++ {
		offset += audio[n]
		d := time90k.Add(moonfirefs.Duration90k(samples.CompositionOffset90k)).Sub(at)
		if d = max(d, -d); samples.Sync && d < apart90k {
			p, apart90k = place{offset, int(samples.Bytes)}, d
		}
		time90k, offset = time90k.Add(moonfirefs.Duration90k(samples.Duration90k)), offset+int64(samples.Bytes)
	}
	return p, apart90k, samples.Err()
}

// read reads a key frame.
func (m *Maker) read(ctx context.Context, r *moonfirefs.Summary, p place) (*keyFrame, error) {
	entry, err := m.Index.VideoSampleEntry(ctx, r.VideoSampleEntry)
	if err != nil {
		return nil, err
	}
	names, err := m.Index.SampleFiles(ctx, []moonfirefs.RecordingID{r.ID})
	if err != nil {
		return nil, err
	}
	dir := m.Dirs[names[0].Dir]
	if dir == nil {
		return nil, fmt.Errorf("sample directory %d is not there", names[0].Dir)
	}
	file, err := dir.Open(names[0].UUID, r.SampleFileBytes)
	if err != nil {
		return nil, err
	}
	defer file.Release()
	data := make([]byte, p.sizeBytes)
	if err := file.ReadAt(data, p.offset); err != nil {
		return nil, err
	}
	return &keyFrame{entry: entry, sample: data}, nil
}
