// SPDX-License-Identifier: GPL-3.0-or-later

// Package demux takes the mp4 files apart that ffmpeg makes for tests. An ordinary muxer
// is the second opinion on what a sample entry and a sample are.
package demux

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// Track is the only track of a file.
type Track struct {
	// Entry is the box of the sample entry, as it is in the file.
	Entry []byte
	// Table has what else the file says of the samples.
	Table   *mp4.StblBox
	Samples []Sample
}

// Sample is one coded frame.
type Sample struct {
	Data []byte
	// Duration is in the units of the track.
	Duration uint32
	Sync     bool
}

// Video is the sample entry of a track of H.264 or H.265.
func (t *Track) Video() *mp4.VisualSampleEntryBox {
	if avc := t.Table.Stsd.AvcX; avc != nil {
		return avc
	}
	return t.Table.Stsd.HvcX
}

// File takes apart the file at path.
func File(path string) (*Track, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("demux: %w", err)
	}
	t, err := takeApart(data)
	if err != nil {
		return nil, fmt.Errorf("demux %s: %w", path, err)
	}
	return t, nil
}

func takeApart(data []byte) (*Track, error) {
	file, err := mp4.DecodeFileSR(bits.NewFixedSliceReader(data))
	if err != nil {
		return nil, err
	}
	trak := file.Moov.Trak
	if len(file.Moov.Traks) != 1 || len(trak.Mdia.Minf.Stbl.Stsd.Children) != 1 {
		return nil, errors.New("there are several tracks or sample entries")
	}
	t := &Track{Table: trak.Mdia.Minf.Stbl}
	var entry bytes.Buffer
	if err := t.Table.Stsd.Children[0].Encode(&entry); err != nil {
		return nil, err
	}
	t.Entry = entry.Bytes()
	for n := uint32(1); n <= trak.GetNrSamples(); n++ {
		ranges, err := trak.GetRangesForSampleInterval(n, n)
		if err != nil {
			return nil, err
		}
		at := ranges[0].Offset
		t.Samples = append(t.Samples, Sample{
			Data:     data[at : at+ranges[0].Size],
			Duration: t.Table.Stts.GetDur(n),
			Sync:     t.Table.Stss == nil || t.Table.Stss.IsSyncSample(n),
		})
	}
	return t, nil
}
