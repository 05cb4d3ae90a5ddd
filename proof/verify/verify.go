// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"aead.dev/minisign"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/proof"
)

// File compares an mp4 file of sizeBytes with a document. The error wraps
// proof.ErrSignature or proof.ErrDocument where the document itself proves nothing;
// whatever is wrong with the file is in the Report.
func File(ctx context.Context, file io.ReaderAt, sizeBytes int64, d *proof.Document, key minisign.PublicKey) (*Report, error) {
	if d.File.Kind == proof.Day {
		return nil, fmt.Errorf("it is the proof of a date, without what is needed to compare footage; take the one of the hour: %w", proof.ErrDocument)
	}
	proven, err := d.Check(key)
	if err != nil {
		return nil, err
	}
	c := &comparison{file: file, sizeBytes: sizeBytes, document: d}
	if err := c.layOut(ctx, proven); err != nil {
		return nil, fmt.Errorf("%w: %w", proof.ErrDocument, err)
	}
	return c.compare(ctx)
}

// comparison is that of a file.
type comparison struct {
	file      io.ReaderAt
	sizeBytes int64
	document  *proof.Document

	// recordings are those that the file must have, and omitted how many were signed
	// between them that it must not have.
	recordings []proof.Proven
	omitted    int
	layout     *mp4.File
	// extents are where the samples of each recording lie.
	extents [][]mp4.Extent
	source  source
	report  *Report
}

// layOut finds out what the bytes of the file must be.
func (c *comparison) layOut(ctx context.Context, proven []proof.Proven) error {
	for _, p := range proven {
		if p.Recording != nil {
			c.recordings = append(c.recordings, p)
		} else {
			c.omitted++
		}
	}
	if len(c.recordings) == 0 {
		return errors.New("it has no recording")
	}
	first := &c.recordings[0]
	zone, err := time.LoadLocation(first.Statement.Zone)
	if err != nil || first.Statement.Zone == "" {
		return fmt.Errorf("time zone %q is not known", first.Statement.Zone)
	}
	calendar := civil.Calendar{Zone: zone}
	if err := c.requireOne(calendar); err != nil {
		return err
	}
	c.report = newReport(c, calendar)
	spec := c.spec(calendar)
	c.source.recordings = c.recordings
	if spec.Excerpt != nil {
		if err := spec.Cut(ctx, &c.source); err != nil {
			return err
		}
	}
	c.layout, err = mp4.New(spec)
	return err
}

// requireOne refuses leaves that are not of one stream, of one configuration, in the
// order of time, within the interval of the file, and of the date that was signed.
func (c *comparison) requireOne(calendar civil.Calendar) error {
	first := c.recordings[0].Leaf
	interval := c.document.File.Interval()
	var audio *proof.AudioEntry
	for i := range c.recordings {
		p := &c.recordings[i]
		l := p.Leaf
		switch {
		case l.Camera != first.Camera || l.Stream != first.Stream:
			return errors.New("it mixes cameras")
		case !sameVideo(&l.Video, &first.Video), audio != nil && l.Audio != nil && !sameAudio(l.Audio, audio):
			return errors.New("it mixes configurations of the codec")
		case i > 0 && l.Start90k < c.recordings[i-1].Leaf.Start90k:
			return errors.New("its recordings are not in order")
		case calendar.HourAt(l.Start90k).Date.String() != p.Statement.Date:
			return errors.New("a recording is not of the date that was signed")
		case !interval.Touches(&p.Recording.Summary) || c.document.File.Kind == proof.Hour && !interval.Contains(l.Start90k):
			return errors.New("a recording is not of the file's time")
		}
		if audio == nil {
			audio = l.Audio
		}
	}
	return nil
}

func sameVideo(a, b *proof.VideoEntry) bool {
	return a.Width == b.Width && a.Height == b.Height && a.PixelAspectH == b.PixelAspectH && a.PixelAspectV == b.PixelAspectV &&
		a.Codec == b.Codec && bytes.Equal(a.Data, b.Data)
}

func sameAudio(a, b *proof.AudioEntry) bool {
	return a.SampleRate == b.SampleRate && a.Channels == b.Channels && a.FrameSamples == b.FrameSamples &&
		a.Codec == b.Codec && bytes.Equal(a.Data, b.Data)
}

// spec is what the recorder made the file of.
func (c *comparison) spec(calendar civil.Calendar) *mp4.Spec {
	first, file := c.recordings[0].Leaf, &c.document.File
	v := &first.Video
	entry := moonfirefs.NewVideoSampleEntry(v.Data, v.Width, v.Height, v.PixelAspectH, v.PixelAspectV, v.Codec)
	spec := &mp4.Spec{
		Entry: entry, Zone: calendar.Zone, Timestamps: file.Timestamps,
		Description: library.FileDescription(first.Stream, entry),
	}
	for i := range c.recordings {
		p := &c.recordings[i]
		spec.Recordings = append(spec.Recordings, p.Recording.Summary)
		if a := p.Leaf.Audio; a != nil && spec.Audio == nil {
			spec.Audio = moonfirefs.NewAudioSampleEntry(a.Data, a.SampleRate, a.Channels, a.FrameSamples, a.Codec)
		}
	}
	if file.CollapseGaps {
		spec.Gaps = mp4.GapsCollapse
	}
	folder := (&moonfirefs.Stream{Kind: first.Stream}).FolderName(&moonfirefs.Camera{ShortName: first.Name})
	interval := file.Interval()
	if file.Kind == proof.Clip {
		spec.Title, spec.Excerpt = library.ClipTitle(folder, calendar, interval), &interval
	} else {
		spec.Title = library.HourTitle(folder, calendar, interval)
	}
	return spec
}

// source provides the tables of the recordings. The samples are read elsewhere.
type source struct{ recordings []proof.Proven }

func (s *source) VideoIndex(_ context.Context, recording int) ([]byte, error) {
	return s.recordings[recording].Recording.VideoIndex, nil
}

func (s *source) AudioIndex(_ context.Context, recording int) ([]byte, error) {
	return s.recordings[recording].Recording.AudioIndex, nil
}

func (s *source) ReadSamples(context.Context, int, []byte, int64) error {
	return errors.New("samples are not compared as bytes")
}

// compare compares the file with its layout, and searches it if it does not fit.
func (c *comparison) compare(ctx context.Context) (*Report, error) {
	if size := c.layout.Size(); c.sizeBytes != size {
		c.report.add("the file has %d bytes, and the one that was recorded has %d: it was cut, lengthened or made anew", c.sizeBytes, size)
	}
	c.extents = make([][]mp4.Extent, len(c.recordings))
	for e := range c.layout.Extents() {
		c.extents[e.Recording] = append(c.extents[e.Recording], e)
	}
	if err := c.compareBetween(ctx); err != nil {
		return nil, err
	}
	if err := c.compareSamples(ctx); err != nil {
		return nil, err
	}
	if c.report.Unchanged() && len(c.report.pictures)+len(c.report.audio) == 0 {
		return c.report, nil
	}
	return c.report, c.search(ctx)
}

// compareBetween compares what is not sample data: the file's header and tables, the time
// of day, what lies between.
func (c *comparison) compareBetween(ctx context.Context) error {
	offset := int64(0)
	for _, e := range append(slices.Concat(c.extents...), mp4.Extent{Offset: c.layout.Size()}) {
		if err := c.compareRange(ctx, offset, e.Offset); err != nil {
			return err
		}
		offset = e.Offset + e.Bytes
	}
	return nil
}

const blockBytes = 1 << 20

func (c *comparison) compareRange(ctx context.Context, from, to int64) error {
	var want, got [blockBytes / 16]byte
	for ; from < to; from += int64(len(want)) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n := int(min(int64(len(want)), to-from))
		if err := c.layout.ReadAt(ctx, &c.source, want[:n], from); err != nil {
			return fmt.Errorf("%w: %w", proof.ErrDocument, err)
		}
		there, err := c.readAt(got[:n], from)
		if err != nil {
			return err
		}
		if !there || !bytes.Equal(want[:n], got[:n]) {
			c.report.tables(from)
		}
	}
	return nil
}

// readAt reads from the file; there is false where that ends before.
func (c *comparison) readAt(p []byte, offset int64) (there bool, err error) {
	n, err := c.file.ReadAt(p, offset)
	if n == len(p) {
		return true, nil
	}
	if errors.Is(err, io.EOF) || err == nil {
		return false, nil
	}
	return false, fmt.Errorf("read the file: %w", err)
}

// compareSamples computes the digests of all samples in the file.
func (c *comparison) compareSamples(ctx context.Context) error {
	for i := range c.recordings {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := c.compareRecording(i); err != nil {
			return err
		}
	}
	return nil
}

// compareRecording compares the groups of a recording that are in the file, wholly or in
// part, with those that were signed.
func (c *comparison) compareRecording(i int) error {
	p := &c.recordings[i]
	groups, err := c.groupsOf(i)
	if err != nil {
		return err
	}
	for _, all := range [][]group{groups.video, groups.audio} {
		for k := range all {
			if g := &all[k]; g.present {
				digest, err := g.digest(func(place *proof.Place, data []byte) (bool, error) {
					offset, _ := fileOffset(c.extents[i], place)
					return c.readAt(data, offset)
				})
				if err != nil {
					return err
				}
				g.changed = digest != g.signed
			}
		}
	}
	c.report.recording(p, groups)
	return nil
}

// fileOffset is where in the file a sample lies.
func fileOffset(extents []mp4.Extent, p *proof.Place) (offset int64, there bool) {
	for _, e := range extents {
		if p.Offset >= e.SampleOffset && p.Offset+int64(p.Bytes) <= e.SampleOffset+e.Bytes {
			return e.Offset + p.Offset - e.SampleOffset, true
		}
	}
	return 0, false
}
